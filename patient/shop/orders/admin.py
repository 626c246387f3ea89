from django.contrib import admin

from orders.models import Line, Order


class LineInline(admin.TabularInline):
    model = Line
    extra = 0
    autocomplete_fields = ["product"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["number", "name", "placed_at", "confirmed_at"]
    date_hierarchy = "placed_at"
    inlines = [LineInline]
