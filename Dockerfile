# syntax=docker/dockerfile:1
FROM python:3.11-slim-bookworm AS build
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PROJECT_ENVIRONMENT=/opt/triage
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
WORKDIR /src
# The libraries change less often than the bot: they are a layer of their own.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE ./
COPY bot bot
COPY enrichers enrichers
RUN uv sync --frozen --no-dev --no-editable
# A library brings pip along; nothing that runs needs it, or what a shell would source.
RUN rm -rf /opt/triage/lib/python3.11/site-packages/pip /opt/triage/lib/python3.11/site-packages/pip-*.dist-info \
 && find /opt/triage/bin -mindepth 1 ! -name 'python*' ! -name triage -delete

FROM python:3.11-slim-bookworm
ENV PATH=/opt/triage/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Nothing that installs or builds is left, and nobody in it is root.
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip \
 && rm -rf /usr/local/bin/pip* /usr/local/lib/python3.11/ensurepip \
 && useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin triage \
 && install -d -o triage -g triage -m 700 /data
COPY --from=build /opt/triage /opt/triage
# config.toml, state.db, state.evidence and history.db: all that is to be kept. The rest may be read-only, but for /tmp.
VOLUME /data
WORKDIR /data
USER 10001
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8081/healthz', timeout=3)"]
ENTRYPOINT ["triage"]
CMD ["serve"]
