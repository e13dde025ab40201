"""Kafka message -> sample decision."""
