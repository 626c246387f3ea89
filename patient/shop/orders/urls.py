from django.urls import path

from orders import views

urlpatterns = [
    path("basket/", views.show_basket, name="basket"),
    path("basket/add/<slug:slug>/", views.add, name="basket-add"),
    path("basket/remove/<slug:slug>/", views.remove, name="basket-remove"),
    path("checkout/", views.checkout, name="checkout"),
    path("order/<slug:number>/", views.show_order, name="order"),
]
