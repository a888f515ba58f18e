"""Traces: the spans of jobs, and their export by OpenTelemetry."""
