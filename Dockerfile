# Two stages: install exactly what the hashed lock names, then a small image without root rights.
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/greenpark
ENV PATH=/opt/greenpark/bin:$PATH
WORKDIR /src
COPY requirements.lock ./
RUN pip install --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY models ./models
COPY analytics ./analytics
COPY rules ./rules
COPY storage ./storage
COPY collectors ./collectors
COPY gateway ./gateway
COPY alerts ./alerts
COPY dashboards ./dashboards
COPY simulators ./simulators
COPY app ./app
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin greenpark \
    && install -d -o greenpark -m 700 /mqtt
COPY --from=build /opt/greenpark /opt/greenpark
WORKDIR /app
COPY examples ./examples
COPY docker/healthcheck.py ./docker/healthcheck.py
ENV PATH=/opt/greenpark/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp
USER 10001
ENTRYPOINT ["greenpark"]
CMD ["--help"]
