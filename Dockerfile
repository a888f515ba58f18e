# The image of Tidings: `serve` by default, `work MODULES…` and every other command by arguments. docs/how-to/containers.md
# says how to add your jobs. Pin the two FROM lines by digest where you build; `make image-by-hand` runs the steps below
# without a container engine.

FROM python:3.13-slim-bookworm AS build
WORKDIR /source
# Of files with known hashes alone; `make constraints` renews both lists.
COPY deploy/container/requirements-build.txt deploy/container/requirements.txt deploy/container/
RUN pip install --quiet --no-cache-dir --require-hashes --no-deps --requirement deploy/container/requirements-build.txt \
    && python -m venv --without-pip /opt/tidings \
    && pip --python /opt/tidings/bin/python install --quiet --no-cache-dir --require-hashes --no-deps \
       --requirement deploy/container/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY server server
COPY worker worker
COPY static static
RUN pip wheel --quiet --no-cache-dir --no-deps --no-build-isolation --wheel-dir /source/dist . \
    && pip --python /opt/tidings/bin/python install --quiet --no-cache-dir --no-deps --no-index dist/tidings-*.whl
COPY deploy/container/healthy.py /opt/tidings/healthy.py

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="tidings" \
      org.opencontainers.image.description="Asynchronous request-reply: push server and worker" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/tidings /opt/tidings
# The image listens to its network and logs for machines; it writes no file, so that its root may be read-only.
ENV PATH=/opt/tidings/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TIDINGS_HOST=0.0.0.0 \
    TIDINGS_METRICS_HOST=0.0.0.0 \
    TIDINGS_LOG_FORMAT=json
WORKDIR /app
# A number: Kubernetes cannot see that a name is not root.
USER 10001:10001
EXPOSE 8700 9100
# Servers ask their clients to leave, workers finish or hand back their jobs.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-IS", "/opt/tidings/healthy.py"]
ENTRYPOINT ["tidings"]
CMD ["serve"]
