"""What an HTTP error of an endpoint means for the call, in the three words of the contract."""

import re
from datetime import datetime

from monitor.errors import ConfigError
from monitor.scoring.judge.call import JudgeRejected, JudgeUnavailable
from monitor.scoring.judge.settings import JudgeEndpoint
from monitor.scoring.judge.transport.retry import TryAgain, asked_wait
from monitor.scoring.judge.transport.wire import Refusal

RETRIED = frozenset({408, 409, 429})
OPTIONS = ("temperature", "seed", "logprobs", "response_format", "max_tokens", "tool_choice")
UNPAID = frozenset({"insufficient_quota", "billing_error", "billing_hard_limit_reached"})
UNSUPPORTED = frozenset({"unsupported_parameter", "unsupported_value"})
WITHHELD = frozenset({"content_filter", "content_policy_violation"})
SETTING = {"response_format": "structured", "tool_choice": "structured"}
REFUSED_OPTION = re.compile(
    rf"^[`'\"]?({'|'.join(OPTIONS)})\b.{{0,80}}(deprecated|not supported|unsupported|not permitted)", re.IGNORECASE
)
"""Anchored: further on a message can quote the transcript, whose author must not be able to stop a judge."""


def withheld(refusal: Refusal) -> bool:
    """Whether a filter in front of the model refused the transcript, as Azure's does: the model's refusal to us."""
    return refusal.status == 400 and refusal.code in WITHHELD


def endpoint_fails(refusal: Refusal) -> bool:
    """Whether this speaks against the endpoint, and not against the request or the rate of requests."""
    return refusal.status == 408 or refusal.status >= 500


def meaning(refusal: Refusal, endpoint: JudgeEndpoint, now: datetime) -> Exception:
    """Give what to raise: TryAgain, JudgeRejected, JudgeUnavailable or ConfigError; never the endpoint's own words."""
    status, code = refusal.status, clean(refusal.code, endpoint)
    said = f"judge {endpoint.name}: status {status}" + (f" ({code})" if code else "")
    if status == 402 or code in UNPAID or refusal.message.startswith("Your credit balance"):
        return JudgeUnavailable(f"{said}: the account has no credit or has reached its limit; the work stays due")
    if status in RETRIED or status >= 500:
        what = f"status {status}" + (f" ({code})" if code else "")
        return TryAgain(what, status=status, wait_s=asked_wait(refusal.headers, now))
    where = f"the judge endpoint {endpoint.name!r} answers with status {status}" + (f" ({code})" if code else "")
    if status in {401, 403}:
        return ConfigError(f"{where}: check its api_key, and that the key may use model {endpoint.model!r}")
    if status == 404 or code == "model_not_found":
        return ConfigError(f"{where}: check its base_url (OpenAI's way ends in /v1) and model {endpoint.model!r}")
    if 300 <= status < 400:
        return ConfigError(f"{where}: it redirects, which is not followed; set base_url to the final address")
    option = _refused_option(refusal)
    if option:
        setting = SETTING.get(option, option)
        return ConfigError(f"{where}: the model does not take {option!r}; change its setting {setting!r}")
    if status in {400, 413, 422}:
        return JudgeRejected(f"{said}: the endpoint does not take this request, as one that is too long for its model")
    return JudgeUnavailable(f"{said}; the work stays due")


def clean(code: str, endpoint: JudgeEndpoint) -> str:
    """Give an error code that is one, and not the key or a sentence; otherwise nothing."""
    key = endpoint.api_key.get_secret_value() if endpoint.api_key else ""
    return code if re.fullmatch(r"[A-Za-z][\w.-]{0,59}", code, re.ASCII) and not (key and key in code) else ""


def _refused_option(refusal: Refusal) -> str:
    if refusal.status not in {400, 422}:
        return ""
    if refusal.code in UNSUPPORTED:
        return next((one for one in OPTIONS if refusal.param.startswith(one)), "")
    found = REFUSED_OPTION.match(refusal.message)
    return found[1].lower() if found else ""
