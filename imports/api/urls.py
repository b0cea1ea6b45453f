from django.urls import path

from imports.api import jobs, outcomes, progress, repairs, resumable, reviews, sources, uploads

urlpatterns = [
    path("api/upload", uploads.UploadView.as_view()),
    path("upload", uploads.UploadOrPageView.as_view()),
    path("api/progress/<str:task_id>", progress.ProgressView.as_view()),
    path("api/uploads/", resumable.ResumableListView.as_view()),
    path("api/uploads/<uuid:pk>", resumable.ResumableView.as_view()),
    path("api/uploads/<str:job_id>", jobs.JobView.as_view()),
    path("status/<str:job_id>", jobs.JobView.as_view()),
    path("api/imports", jobs.JobListView.as_view()),
    path("api/imports/<str:job_id>", jobs.JobView.as_view()),
    path("api/imports/<int:pk>/cancel", jobs.CancelView.as_view()),
    path("api/imports/<int:pk>/repair", repairs.RepairView.as_view()),
    path("api/imports/<int:pk>/retry", jobs.RetryView.as_view()),
    path("api/imports/<int:pk>/undo", jobs.UndoView.as_view()),
    path("api/imports/<int:pk>/changes", outcomes.ChangesView.as_view()),
    path("api/imports/<int:pk>/commit", reviews.CommitView.as_view()),
    path("api/imports/<int:pk>/preview", outcomes.PreviewView.as_view()),
    path("api/imports/<int:pk>/review", reviews.ReviewView.as_view()),
    path("api/imports/<int:pk>/rejected", outcomes.RejectedView.as_view()),
    path("api/imports/<int:pk>/rejected.csv", outcomes.RejectedCsvView.as_view()),
    path("api/sources", sources.SourceListView.as_view()),
    path("api/sources/<int:pk>", sources.SourceView.as_view()),
    path("api/sources/<int:pk>/fetch", sources.FetchView.as_view()),
    path("api/sources/<int:pk>/cancel", sources.CancelFetchView.as_view()),
    path("api/sources/<int:pk>/fetches", sources.FetchListView.as_view()),
]
