from django.urls import path

from imports.views import jobs, reading, repairs, resumable, review, sources

app_name = "imports"
urlpatterns = [
    path("", jobs.import_list, name="list"),
    path("upload/", jobs.upload, name="upload"),
    path("uploads/<uuid:pk>/discard/", resumable.discard, name="discard"),
    path("sample.csv", jobs.sample, name="sample"),
    path("<int:pk>/", jobs.import_detail, name="detail"),
    path("<int:pk>/live/", jobs.live, name="live"),
    path("<int:pk>/events/", jobs.events, name="events"),
    path("<int:pk>/rejected.csv", jobs.rejected_csv, name="rejected_csv"),
    path("<int:pk>/repair/", repairs.repair, name="repair"),
    path("<int:pk>/correct/", repairs.correct, name="correct"),
    path("<int:pk>/cancel/", jobs.cancel, name="cancel"),
    path("<int:pk>/retry/", jobs.retry, name="retry"),
    path("<int:pk>/review/", review.save, name="decide"),
    path("<int:pk>/apply/", review.apply, name="apply"),
    path("<int:pk>/review-anew/", review.anew, name="review_anew"),
    path("<int:pk>/read-again/", reading.again, name="read_again"),
    path("<int:pk>/use-mapping/", reading.use_mapping, name="use_mapping"),
    path("<int:pk>/save-mapping/", reading.save_mapping, name="save_mapping"),
    path("mappings/", reading.mapping_list, name="mappings"),
    path("mappings/<int:pk>/delete/", reading.delete_mapping, name="delete_mapping"),
    path("fetch/", sources.fetch_once, name="fetch_once"),
    path("sources/", sources.source_list, name="sources"),
    path("sources/new/", sources.source_create, name="source_create"),
    path("sources/<int:pk>/", sources.source_detail, name="source"),
    path("sources/<int:pk>/edit/", sources.source_edit, name="source_edit"),
    path("sources/<int:pk>/delete/", sources.source_delete, name="source_delete"),
    path("sources/<int:pk>/fetch/", sources.fetch, name="fetch"),
    path("sources/<int:pk>/cancel/", sources.cancel_fetch, name="cancel_fetch"),
]
