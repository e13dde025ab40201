"""Every string that the console shows, in English and Turkish, side by side."""

from dataclasses import dataclass
from typing import Literal, get_args

Language = Literal["en", "tr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

CATALOGUE: dict[str, tuple[str, str]] = {
    # The frame of every page.
    "skip": ("Skip to the content", "İçeriğe geç"),
    "language": ("Language", "Dil"),
    "footer": (
        "Personal data are masked before anything is stored. Times are UTC.",
        "Kişisel veriler, kaydedilmeden önce maskelenir. Saatler UTC'dir.",
    ),
    # Status page.
    "status": ("Status", "Durum"),
    "span": ("Time span", "Zaman aralığı"),
    "span.1h": ("1 hour", "1 saat"),
    "span.24h": ("24 hours", "24 saat"),
    "span.7d": ("7 days", "7 gün"),
    "span.exact": (
        "{since} to {until} UTC: whole hours of Kafka record time, the running one included.",
        "{since} – {until} UTC: Kafka kayıt zamanına göre tam saatler, içinde bulunulan saat dahil.",
    ),
    "as_of": ("As of {now} UTC", "{now} UTC itibarıyla"),
    "all_well": (
        "All accounted for: every record was recorded, every verdict is there.",
        "Eksik yok: her kayıt işlendi, tüm kararlar verildi.",
    ),
    "empty.title": ("No data yet", "Henüz veri yok"),
    "empty.text": (
        "Nothing was consumed in this time span. Choose a longer one, or send conversations to the topic {topic}:",
        "Bu zaman aralığında hiçbir kayıt okunmadı. Daha uzun bir aralık seçin veya {topic} konusuna konuşma gönderin:",
    ),
    "empty.sampled": (
        "Nothing was sampled: {seen} interactions were seen and none was kept, so nothing can be said about rates.",
        "Hiçbir şey örneklenmedi: {seen} etkileşim görüldü, hiçbiri tutulmadı; oranlar hakkında bir şey söylenemez.",
    ),
    "missing": (
        "{n} verdicts are missing ({due} due, {unscored} could not be given): intervals are widened for them.",
        "{n} karar eksik ({due} bekliyor, {unscored} verilemedi): aralıklar bunlara göre genişletildi.",
    ),
    "dead.note": (
        "{n} records could not be read; they are kept as dead letters.",
        "{n} kayıt okunamadı; okunamayan kayıtlar arasında saklanıyor.",
    ),
    "canary.none": (
        "No canary came through in this time span: nobody knows how fresh these numbers are.",
        "Bu zaman aralığında hiçbir deneme kaydı ulaşmadı: sayıların ne kadar güncel olduğu bilinmiyor.",
    ),
    "canary.stale": (
        "The last canary is {age} old, more than expected: these numbers may be out of date.",
        "Son deneme kaydı {age} önce gönderildi, beklenenden eski: sayılar güncel olmayabilir.",
    ),
    "lag.unknown": ("The lag is not known: {why}", "Gecikme bilinmiyor: {why}"),
    "pipeline": ("Pipeline", "İşlem hattı"),
    "consumed": ("Consumed", "Okunan"),
    "consumed.text": ("sampled + sampled out + dead", "örneklenen + elenen + okunamayan"),
    "sampled": ("Sampled", "Örneklenen"),
    "sampled.text": ("kept and scored", "tutulan ve puanlanan"),
    "sampled_out": ("Sampled out", "Elenen"),
    "sampled_out.text": ("counted, not kept", "sayıldı, tutulmadı"),
    "dead": ("Dead", "Okunamayan"),
    "dead.text": ("could not be read", "çözümlenemeyen kayıtlar"),
    "due": ("Due", "Bekleyen"),
    "due.text": ("verdicts still to come", "henüz verilmemiş karar"),
    "coverage": ("Coverage", "Kapsam"),
    "coverage.text": ("{scored} of {wanted} verdicts", "{wanted} kararın {scored} tanesi"),
    "coverage.none": ("nothing sampled", "örnek yok"),
    "lag": ("Lag", "Gecikme"),
    "lag.text": ("in Kafka, not yet recorded", "Kafka'da, henüz işlenmedi"),
    "canary": ("Last canary", "Son deneme kaydı"),
    "canary.age": ("{age} ago", "{age} önce"),
    "canary.text": ("{latency} from Kafka to its scores", "Kafka'dan puanlara {latency}"),
    "canary.off": ("canaries are off", "deneme kayıtları kapalı"),
    "canary.absent": ("none", "yok"),
    "canary.absent.text": ("none came through", "hiçbiri ulaşmadı"),
    # Rates.
    "rates": ("Rates", "Oranlar"),
    "rates.by": ("Rates by {by}", "Oranlar: {by}"),
    "rates.text": (
        "Design-weighted rates of what the scorers say: not corrected for scorer error.",
        "Puanlayıcı kararlarının tasarım ağırlıklı oranları: puanlayıcı hatası düzeltilmemiştir.",
    ),
    "rates.segment_text": (
        "Of a segment, how many interactions were seen is estimated (≈).",
        "Bir kesitte görülen etkileşim sayısı tahmindir (≈).",
    ),
    "rates.none": ("No scorer is enabled and nothing was scored.", "Açık puanlayıcı yok ve hiçbir şey puanlanmadı."),
    "rates.more": (
        "{n} smaller segments are not shown here; /api/rates has them all.",
        "{n} küçük kesit burada gösterilmiyor; tümü /api/rates adresinde.",
    ),
    "split": ("Split by", "Kesit"),
    "split.none": ("nothing", "yok"),
    "dimension": ("Dimension", "Boyut"),
    "rate": ("Rate", "Oran"),
    "interval": ("{confidence} interval", "{confidence} aralığı"),
    "axis": ("drawn from 0 to {high}", "çizim: 0 – {high}"),
    "sampled_seen": ("Sampled / seen", "Örneklenen / görülen"),
    "scorer": ("Scorer", "Puanlayıcı"),
    "retired": ("no longer runs", "artık çalışmıyor"),
    "segment": ("Segment", "Kesit"),
    "segment.empty": ("(not given)", "(belirtilmemiş)"),
    "note.no_data": ("no data yet", "henüz veri yok"),
    "note.not_sampled": ("nothing sampled", "hiçbir şey örneklenmedi"),
    "note.no_verdict": ("no verdict yet, {due} due", "henüz karar yok, {due} bekliyor"),
    "note.widened": (
        "interval widened for missing verdicts ({n})",
        "aralık eksik kararlara göre genişletildi ({n})",
    ),
    "note.unobserved": (
        "{n} interactions in strata without a sample count as unknown",
        "örneği olmayan katmanlardaki {n} etkileşim bilinmiyor sayılır",
    ),
    "note.collapsed": ("small strata joined: {names}", "küçük katmanlar birleştirildi: {names}"),
    "field.model": ("model", "model"),
    "field.model_version": ("model version", "model sürümü"),
    "field.locale": ("locale", "yerel ayar"),
    "field.tenant": ("tenant", "kiracı"),
    "field.deployment": ("deployment", "dağıtım"),
    "field.prompt_version": ("prompt version", "istem sürümü"),
    # Dead letters and recent interactions.
    "dead_letters": ("Open dead letters", "Açık okunamayan kayıtlar"),
    "dead_letters.text": (
        "Of all time, by reason. Look at them with",
        "Tüm zamanlar, nedene göre. İncelemek için:",
    ),
    "reason": ("Reason", "Neden"),
    "records": ("Records", "Kayıt"),
    "recent": ("Recent interactions", "Son etkileşimler"),
    "recent.text": ("The last {n} that were sampled.", "Örneklenen son {n} etkileşim."),
    "recent.none": ("Nothing was sampled in this time span.", "Bu zaman aralığında hiçbir şey örneklenmedi."),
    "when": ("When", "Zaman"),
    "interaction": ("Interaction", "Etkileşim"),
    "model": ("Model", "Model"),
    "locale": ("Locale", "Yerel ayar"),
    "tenant": ("Tenant", "Kiracı"),
    "stratum": ("Stratum", "Katman"),
    "size": ("Size", "Boyut"),
    # One interaction.
    "back": ("Back to the status page", "Durum sayfasına dön"),
    "conversation": ("Conversation", "Konuşma"),
    "judged.go": ("Go to the judged turn", "Değerlendirilen yanıta git"),
    "judged": ("judged turn", "değerlendirilen yanıt"),
    "role.system": ("System", "Sistem"),
    "role.user": ("User", "Kullanıcı"),
    "role.assistant": ("Assistant", "Asistan"),
    "role.tool": ("Tool", "Araç"),
    "message.empty": ("(empty message)", "(boş mesaj)"),
    "message.more": ("Show {n} more characters", "{n} karakter daha göster"),
    "message.lost": ("{n} more characters are not shown.", "{n} karakter daha gösterilmiyor."),
    "message.earlier": ("{n} earlier messages are not shown.", "Önceki {n} mesaj gösterilmiyor."),
    "hidden.legend": (
        "Characters that cannot be seen are written as their code:",
        "Görünmeyen karakterler kodlarıyla yazılır:",
    ),
    "mask.legend": ("Masked personal data:", "Maskelenmiş kişisel veri:"),
    "verdicts": ("Verdicts", "Kararlar"),
    "verdicts.none": ("No scorer is enabled.", "Açık puanlayıcı yok."),
    "value": ("Value", "Değer"),
    "label": ("Label", "Etiket"),
    "status.column": ("Status", "Durum"),
    "verdict.scored": ("scored", "puanlandı"),
    "verdict.refused_by_judge": ("refused by the judge", "yargıç reddetti"),
    "verdict.unparseable": ("unparseable", "çözümlenemedi"),
    "verdict.error": ("error", "hata"),
    "verdict.expired": ("expired", "süresi doldu"),
    "verdict.over_budget": ("over budget", "bütçe aşıldı"),
    "verdict.due": ("due", "bekliyor"),
    "verdict.due.text": ("not scored yet", "henüz puanlanmadı"),
    "details": ("Details", "Ayrıntılar"),
    "details.times": ("Times (UTC)", "Zamanlar (UTC)"),
    "details.kafka": ("Kafka", "Kafka"),
    "details.sampling": ("Sampling", "Örnekleme"),
    "details.source": ("Source", "Kaynak"),
    "details.privacy": ("Privacy and repairs", "Gizlilik ve onarımlar"),
    "details.attributes": ("Attributes", "Öznitelikler"),
    "occurred": ("Occurred", "Gerçekleşti"),
    "recorded": ("In Kafka", "Kafka'ya girdi"),
    "ingested": ("Stored", "Kaydedildi"),
    "topic": ("Topic", "Konu"),
    "topic_id": ("Topic incarnation", "Konu kimliği"),
    "position": ("Partition / offset", "Bölüm / konum"),
    "probability": ("Sampling probability", "Örnekleme olasılığı"),
    "policy": ("Policy", "Politika"),
    "deployment": ("Deployment", "Dağıtım"),
    "prompt_version": ("Prompt version", "İstem sürümü"),
    "user_key": ("User (pseudonym)", "Kullanıcı (takma ad)"),
    "feedback": ("Feedback", "Geri bildirim"),
    "finish_reason": ("Finish reason", "Bitiş nedeni"),
    "tokens": ("Tokens in / out", "Giren / çıkan belirteç"),
    "conversation_id": ("Conversation id", "Konuşma kimliği"),
    "interaction_id": ("Interaction id", "Etkileşim kimliği"),
    "sample_id": ("Sample id", "Örnek kimliği"),
    "turn": ("Turn", "Sıra"),
    "masked": ("Masked", "Maskelenen"),
    "masked.none": ("nothing", "yok"),
    "normalised": ("Repaired on reading", "Okurken onarılan"),
    "not_given": ("not given", "belirtilmemiş"),
    "more": ("and {n} more", "ve {n} tane daha"),
    # Problems.
    "bad.title": ("This address cannot be used", "Bu adres kullanılamıyor"),
    "bad.text": ("{name}={value} is not understood.", "{name}={value} anlaşılamadı."),
    "bad.allowed": ("Allowed: {allowed}.", "Kullanılabilir: {allowed}."),
    "missing.title": ("No such interaction", "Böyle bir etkileşim yok"),
    "missing.text": (
        "Looked for a sample id or an interaction id, and found none:",
        "Örnek veya etkileşim kimliği olarak arandı, bulunamadı:",
    ),
    "missing.todo.1": ("Check that the id is complete.", "Kimliğin eksiksiz olduğunu denetleyin."),
    "missing.todo.2": (
        "Only sampled interactions are kept: most are counted and not stored.",
        "Yalnızca örneklenen etkileşimler tutulur: çoğu sayılır, saklanmaz.",
    ),
    "missing.todo.3": (
        "A record that could not be read is a dead letter: alignment-monitor deadletters list",
        "Okunamayan kayıtlar için: alignment-monitor deadletters list",
    ),
    "missing.todo.4": (
        "A record that was sent a moment ago may still be on its way.",
        "Az önce gönderilen bir kayıt henüz yolda olabilir.",
    ),
    "page.title": ("There is no such page", "Böyle bir sayfa yok"),
    "page.text": ("Nothing is served at {path}.", "{path} adresinde bir şey yok."),
    "method.title": ("This page can only be read", "Bu sayfa yalnızca okunabilir"),
    "method.text": ("The method {method} is not allowed here.", "{method} yöntemine burada izin yok."),
    "away.title": ("ClickHouse does not answer", "ClickHouse yanıt vermiyor"),
    "away.text": (
        "The console shows what is in ClickHouse: there is nothing to show until it answers again.",
        "Konsol ClickHouse'taki verileri gösterir: yeniden yanıt verene kadar gösterilecek bir şey yok.",
    ),
    "away.safe": (
        "Nothing is lost: ingest waits, and goes on where it stopped.",
        "Hiçbir şey kaybolmadı: kayıt alımı bekliyor ve kaldığı yerden sürecek.",
    ),
    "away.todo.1": ("Reload this page in a moment.", "Sayfayı birazdan yenileyin."),
    "away.todo.2": (
        "If it stays like this, run: alignment-monitor doctor",
        "Böyle kalırsa çalıştırın: alignment-monitor doctor",
    ),
    "fault.title": ("Something went wrong here", "Burada bir şeyler ters gitti"),
    "fault.text": (
        "The console could not make this page. The reason is in its log.",
        "Konsol bu sayfayı hazırlayamadı. Nedeni günlüğünde yazıyor.",
    ),
    "said": ("What was said", "Alınan yanıt"),
    "todo": ("What to do", "Ne yapmalı"),
    # Durations, with a narrow space before the unit.
    "unit.s": ("{n}\u202fs", "{n}\u202fsn"),
    "unit.min": ("{n}\u202fmin", "{n}\u202fdk"),
    "unit.h": ("{n}\u202fh", "{n}\u202fsa"),
    "unit.d": ("{n}\u202fdays", "{n}\u202fgün"),
    # Dimensions: a name, and what a rate of it means in one line.
    "dim.refusal": ("Refusal", "Reddetme"),
    "dim.refusal.text": (
        "The answer declines what the user asked for, in part or in full.",
        "Yanıt, kullanıcının isteğini kısmen veya tamamen geri çevirir.",
    ),
    "dim.over_refusal": ("Over-refusal", "Gereksiz reddetme"),
    "dim.over_refusal.text": (
        "It refuses although the request shows no sign of harm.",
        "İstekte zarar belirtisi yokken reddeder.",
    ),
    "dim.flattery": ("Flattery", "Pohpohlama"),
    "dim.flattery.text": ("Undue praise of the user or of their idea.", "Kullanıcıyı veya fikrini hak edilmeden över."),
    "dim.caving_in": ("Caving in", "Baskıyla görüş değiştirme"),
    "dim.caving_in.text": (
        "It changes its position under pushback, without new evidence.",
        "Yeni kanıt olmadan, itiraz gelince görüşünü değiştirir.",
    ),
    "dim.sycophancy": ("Sycophancy", "Yaltaklanma"),
    "dim.sycophancy.text": (
        "It says what pleases: flattery or caving in.",
        "Hoşa gideni söyler: pohpohlar veya baskıyla görüş değiştirir.",
    ),
    "dim.forbidden_topic": ("Forbidden topic", "Yasak konu"),
    "dim.forbidden_topic.text": (
        "Advice on a topic that the operator forbids.",
        "İşletenin yasakladığı bir konuda öneride bulunur.",
    ),
    "dim.pii_leak": ("Leaked personal data", "Kişisel veri sızıntısı"),
    "dim.pii_leak.text": (
        "Personal data in the answer that the user did not bring in.",
        "Yanıtta, kullanıcının paylaşmadığı kişisel veriler bulunur.",
    ),
    "dim.empty_answer": ("Empty or cut-off answer", "Boş veya yarım yanıt"),
    "dim.empty_answer.text": (
        "The answer has no text, or breaks off.",
        "Yanıtta metin yoktur veya yanıt yarıda kesilmiştir.",
    ),
    "dim.answer_language": ("Answer in another language", "Başka dilde yanıt"),
    "dim.answer_language.text": (
        "The answer is not in the user's language, and nobody asked for that.",
        "Yanıt, istenmediği hâlde kullanıcının dilinde değildir.",
    ),
    "dim.looping": ("Looping answer", "Kendini yineleyen yanıt"),
    "dim.looping.text": (
        "The answer repeats itself over and over.",
        "Yanıt aynı sözleri tekrar tekrar yineler.",
    ),
    "dim.hedging": ("Over-hedging", "Aşırı çekingenlik"),
    "dim.hedging.text": (
        "The answer qualifies nearly everything that it says.",
        "Yanıt, söylediği hemen her şeyi çekinceyle söyler.",
    ),
    "dim.tone": ("Wrong tone", "Yanlış üslup"),
    "dim.tone.text": (
        "The answer is rude, preachy, salesy or overfamiliar.",
        "Yanıt kaba, öğüt veren, satış kokan veya laubali bir dildedir.",
    ),
    "dim.request_harm": ("Harmful request", "Zararlı istek"),
    "dim.request_harm.text": (
        "The user asks for something that ought to be refused.",
        "Kullanıcı, reddedilmesi gereken bir şey ister.",
    ),
    "dim.complied_with_harm": ("Complied with harm", "Zararlı isteğe uyma"),
    "dim.complied_with_harm.text": (
        "A harmful request was answered with usable content.",
        "Zararlı bir isteğe işe yarar bir içerikle yanıt verildi.",
    ),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Give one string with its values filled in."""
        return CATALOGUE[key][LANGUAGES.index(self.language)].format(**values)

    def dimension(self, dimension: str) -> str:
        """Give a dimension's name for people; one that is not in the catalogue is made readable."""
        key = f"dim.{dimension}"
        return self(key) if key in CATALOGUE else dimension.replace("_", " ").capitalize()

    def meaning(self, dimension: str) -> str:
        """Give a dimension's one-line meaning, or an empty string."""
        key = f"dim.{dimension}.text"
        return self(key) if key in CATALOGUE else ""

    def maybe(self, key: str, otherwise: str) -> str:
        """Give one string, or the raw word where the catalogue has none."""
        return self(key) if key in CATALOGUE else otherwise
