from django.urls import path

from imports import views

app_name = "imports"
urlpatterns = [
    path("", views.import_list, name="list"),
    path("upload/", views.upload, name="upload"),
    path("sample.csv", views.sample, name="sample"),
    path("<int:pk>/", views.import_detail, name="detail"),
    path("<int:pk>/live/", views.live, name="live"),
    path("<int:pk>/events/", views.events, name="events"),
    path("<int:pk>/rejected.csv", views.rejected_csv, name="rejected_csv"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
    path("<int:pk>/retry/", views.retry, name="retry"),
]
