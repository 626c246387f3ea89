from django.conf import settings
from django.urls import path
from django.views.decorators.cache import cache_page

from catalogue import api, views

kept = cache_page(settings.PAGE_CACHE_S, cache="pages")

urlpatterns = [
    path("", kept(views.Home.as_view()), name="home"),
    path("category/<slug:category>/", kept(views.Home.as_view()), name="category"),
    path("product/<slug:slug>/", views.ProductPage.as_view(), name="product"),
    path("export/products.csv", views.export, name="export"),
    path("api/", api.summary, name="api"),
    path("api/products/", api.products, name="api-products"),
    path("api/products/<slug:slug>/", api.product, name="api-product"),
]
