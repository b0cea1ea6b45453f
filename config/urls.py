"""URLs of the site. Every page asks for a sign-in but those that say otherwise themselves."""

from django.contrib import admin
from django.urls import include, path

from accounts.sign_in import AdminSignInForm
from config import api, health, home, metrics

admin.site.login_form = AdminSignInForm
admin.site.site_header = admin.site.site_title = "Product Importer"

urlpatterns = [
    path("", home.home, name="home"),
    path("", include("catalog.urls")),
    path("imports/", include("imports.urls")),
    path("webhooks/", include("webhooks.urls")),
    path("account/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("catalog.api.urls")),
    path("", include("imports.api.urls")),
    path("", include("webhooks.api.urls")),
    path("api/schema", api.SchemaView.as_view(), name="api_schema"),
    path("api/docs", api.docs, name="api_docs"),
    path("docs", api.old_docs),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]

handler400 = "core.api.problems.bad_request"
handler403 = "core.api.problems.forbidden"
handler404 = "core.api.problems.not_found"
handler500 = "core.api.problems.server_error"
