"""How forms look: fields, errors and widgets from `templates/forms/`."""

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Django's own, with a field group of ours: label, hint, error, control, in this order."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
