from django.urls import path

from imports.views import jobs

app_name = "imports"
urlpatterns = [
    path("", jobs.import_list, name="list"),
    path("upload/", jobs.upload, name="upload"),
    path("sample.csv", jobs.sample, name="sample"),
    path("<int:pk>/", jobs.import_detail, name="detail"),
    path("<int:pk>/live/", jobs.live, name="live"),
    path("<int:pk>/events/", jobs.events, name="events"),
    path("<int:pk>/rejected.csv", jobs.rejected_csv, name="rejected_csv"),
    path("<int:pk>/cancel/", jobs.cancel, name="cancel"),
    path("<int:pk>/retry/", jobs.retry, name="retry"),
]
