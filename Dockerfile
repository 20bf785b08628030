# The exporter's image: one virtual environment on top of Python's slim image.
#
#   docker build -t gong-exporter .
#
# A release pins the base by digest as well, and fills in the labels:
#
#   docker build --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:... \
#     --build-arg VERSION=1.2.3 --build-arg REVISION="$(git rev-parse HEAD)" -t gong-exporter:1.2.3 .

ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /src

# Every file that is installed, the build's own tools included, is checked against a hash; nothing
# is compiled. pip works on the second environment from outside, so that the image has none in it.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/build \
    && /opt/build/bin/python -m pip install --require-hashes --only-binary=:all: \
        -r requirements-build.lock \
    && python -m venv --without-pip /opt/gong-exporter \
    && /opt/build/bin/python -m pip --python /opt/gong-exporter install --no-compile \
        --require-hashes --only-binary=:all: -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY gong_exporter gong_exporter

# Compiled ahead, since a read-only file system keeps no bytecode: without it every start, and every
# health check, would compile some thousand files again. Hash-based and unchecked, so that what is
# in the image does not depend on when it was built.
RUN /opt/build/bin/python -m pip wheel --no-build-isolation --no-deps --wheel-dir /dist . \
    && /opt/build/bin/python -m pip --python /opt/gong-exporter install --no-compile --no-deps \
        --no-index /dist/*.whl \
    && /opt/gong-exporter/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        /opt/gong-exporter/lib \
    && rm /opt/gong-exporter/bin/[Aa]ctivate*


FROM ${PYTHON_IMAGE}

ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gong-exporter" \
      org.opencontainers.image.description="Prometheus exporter for Gong: per-user activity counters over trailing windows" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The base's installer is removed, because it is needed only to install more. The state folder is
# writable for group 0 too: OpenShift runs an image as any user ID, always in that group.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/site-packages/pip* \
        /usr/local/lib/python3.*/ensurepip \
    && install -d -o 65532 -g 0 -m 0770 /var/lib/gong-exporter

COPY --from=build /opt/gong-exporter /opt/gong-exporter
COPY deploy/container/config.yaml /etc/gong-exporter/config.yaml

ENV PATH=/opt/gong-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GONG_EXPORTER_CONFIG_FILE=/etc/gong-exporter/config.yaml

# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
WORKDIR /var/lib/gong-exporter
VOLUME /var/lib/gong-exporter
EXPOSE 14664

# Looks at the default address; for another one give the command to `docker run --health-cmd`.
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s --retries=3 \
    CMD ["gong-exporter", "healthcheck"]

ENTRYPOINT ["gong-exporter"]
