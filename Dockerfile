# syntax=docker/dockerfile:1
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements/runtime.lock requirements/build.lock requirements/
RUN python3 -m venv /opt/s3warden \
 && /opt/s3warden/bin/python -m pip install --quiet --require-hashes -r requirements/runtime.lock \
 && python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --quiet --require-hashes -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
# The wheel is built apart, so that no build tool reaches the final stage.
RUN /opt/build/bin/python -m hatchling build -t wheel -d /build/dist \
 && /opt/s3warden/bin/python -m pip install --quiet --no-deps --no-index /build/dist/*.whl \
 && /opt/s3warden/bin/python -m pip uninstall --quiet --yes pip setuptools

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="s3warden" \
      org.opencontainers.image.description="Guards every S3 bucket of an AWS organisation." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/s3warden /opt/s3warden
ENV PATH=/opt/s3warden/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PROMETHEUS_DISABLE_CREATED_SERIES=true \
    S3WARDEN_REVISION=${REVISION} \
    S3WARDEN_STORE__URL=sqlite:////var/lib/s3warden/s3warden.db
# Only this folder is written to; mount a volume there and keep the root file system read-only.
RUN install -d -o 10001 -g 10001 /var/lib/s3warden
VOLUME /var/lib/s3warden
USER 10001:10001
WORKDIR /var/lib/s3warden
EXPOSE 9456
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["s3warden", "healthcheck"]
ENTRYPOINT ["s3warden"]
CMD ["run"]
