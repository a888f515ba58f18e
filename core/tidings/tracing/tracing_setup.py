"""Whether this process makes spans, and by what: the one place that loads OpenTelemetry."""

from tidings.settings.settings import SettingsError, StoreSettings

from .spans import Tracing


def tracing_of(settings: StoreSettings, service: str, instance: str) -> Tracing | None:
    """Return the tracing of a process; None: the operator has switched traces off.

    Args:
        settings: of the process.
        service: its name, where the environment gives none.
        instance: its own among those of that name.

    Raises:
        SettingsError: OpenTelemetry is not installed.

    """
    if settings.traces == "off":
        return None
    try:
        from .otel import host_tracing, otlp_tracing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(
            f"TIDINGS_TRACES is {settings.traces!r}: that needs OpenTelemetry ({error}); install tidings[otel]"
        ) from error
    return otlp_tracing(service, instance) if settings.traces == "otlp" else host_tracing()
