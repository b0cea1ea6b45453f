from django.urls import path

from webhooks.views import deliveries, detail, editing, endpoints, secrets, trial

app_name = "webhooks"
urlpatterns = [
    path("", endpoints.endpoint_list, name="list"),
    path("new/", editing.create, name="create"),
    path("check/", editing.check, name="check"),
    path("<int:pk>/", detail.endpoint_detail, name="detail"),
    path("<int:pk>/edit/", editing.edit, name="edit"),
    path("<int:pk>/delete/", endpoints.delete, name="delete"),
    path("<int:pk>/pause/", endpoints.pause, name="pause"),
    path("<int:pk>/enable/", endpoints.enable, name="enable"),
    path("<int:pk>/test/", trial.test, name="test"),
    path("<int:pk>/tests/<int:delivery>/", trial.test_result, name="test_result"),
    path("<int:pk>/deliveries/<int:delivery>/", deliveries.delivery_detail, name="delivery"),
    path("<int:pk>/deliveries/<int:delivery>/again/", deliveries.send_again, name="again"),
    path("<int:pk>/replay/", deliveries.replay, name="replay"),
    path("<int:pk>/try/", deliveries.try_now, name="try_now"),
    path("<int:pk>/reveal/", secrets.reveal, name="reveal"),
    path("<int:pk>/rotate/", secrets.rotate, name="rotate"),
    path("<int:pk>/end-rotation/", secrets.end_rotation, name="end_rotation"),
]
