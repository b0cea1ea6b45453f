# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt .
RUN pip install --requirement requirements.txt
WORKDIR /app
COPY . .
# The settings ask for these three; collectstatic reaches none of the servers.
RUN SECRET_KEY=used-for-this-step-only \
    DATABASE_URL=postgres://nobody@localhost/none \
    REDIS_URL=redis://localhost/0 \
    python manage.py collectstatic --noinput \
    && python -m compileall -q .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
# REMAP_SIGTERM: a worker that is asked to stop lets its tasks go on for a while.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    REMAP_SIGTERM=SIGQUIT \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001
EXPOSE 8000
# Django answers only to the names in ALLOWED_HOSTS, to a health check too.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "\
import os, urllib.request as http; \
host = os.environ.get('ALLOWED_HOSTS', '').split(',')[0].lstrip('*.') or 'localhost'; \
url = 'http://127.0.0.1:' + os.environ['PORT'] + '/healthz'; \
http.urlopen(http.Request(url, headers={'Host': host}), timeout=4)"]
CMD ["gunicorn", "config.asgi:application", "--config", "gunicorn.conf.py"]
