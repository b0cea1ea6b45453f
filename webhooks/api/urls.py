from django.urls import path

from webhooks.api import deliveries, endpoints

urlpatterns = [
    path("api/webhooks", endpoints.EndpointListView.as_view()),
    path("api/webhooks/<int:pk>", endpoints.EndpointView.as_view()),
    path("api/webhooks/<int:pk>/enable", endpoints.EnableView.as_view()),
    path("api/webhooks/<int:pk>/rotate-secret", endpoints.RotateView.as_view()),
    path("api/webhooks/<int:pk>/end-rotation", endpoints.EndRotationView.as_view()),
    path("api/webhooks/<int:pk>/replay", endpoints.ReplayView.as_view()),
    path("api/webhooks/<int:pk>/try-now", endpoints.TryNowView.as_view()),
    path("api/webhooks/<int:pk>/test", deliveries.TestView.as_view()),
    path("api/webhooks/<int:pk>/logs", deliveries.LogView.as_view()),
    path("api/deliveries/<int:pk>", deliveries.DeliveryView.as_view()),
    path("api/deliveries/<int:pk>/redeliver", deliveries.RedeliverView.as_view()),
]
