/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-record-field-private.h"

#include "tornadis-glib/data/tornadis-record-text-private.h"

TornadisRecordField *
tornadis_record_field_new_for_property (GParamSpec *pspec,
                                        GType base)
{
  TornadisRecordField *self;

  if ((pspec->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE || (pspec->flags & G_PARAM_CONSTRUCT_ONLY) != 0 ||
      pspec->owner_type == base || !g_type_is_a (pspec->owner_type, base) ||
      !tornadis_record_text_has_type (G_PARAM_SPEC_VALUE_TYPE (pspec)))
    return NULL;

  self = g_new0 (TornadisRecordField, 1);
  self->name = g_strdup (pspec->name);
  self->pspec = g_param_spec_ref (pspec);

  return self;
}

TornadisRecordField *
tornadis_record_field_new_for_entry (const char *name,
                                     GVariant *fallback)
{
  TornadisRecordField *self = g_new0 (TornadisRecordField, 1);

  self->name = g_strdup (name);
  self->fallback = g_variant_ref_sink (fallback);
  self->variant = g_variant_ref (fallback);

  return self;
}

void
tornadis_record_field_free (gpointer field)
{
  TornadisRecordField *self = field;

  g_free (self->name);
  g_clear_pointer (&self->pspec, g_param_spec_unref);
  g_clear_pointer (&self->fallback, g_variant_unref);
  g_clear_pointer (&self->variant, g_variant_unref);
  g_clear_pointer (&self->value, g_bytes_unref);
  g_clear_pointer (&self->written, g_bytes_unref);
  g_clear_pointer (&self->invalid, g_bytes_unref);
  g_clear_pointer (&self->lost, g_variant_unref);
  g_free (self);
}

GBytes *
tornadis_record_field_print (TornadisRecordField *self,
                             GObject *record)
{
  g_auto (GValue) value = G_VALUE_INIT;

  if (self->pspec == NULL)
    return tornadis_record_text_from_variant (self->variant);

  g_value_init (&value, G_PARAM_SPEC_VALUE_TYPE (self->pspec));
  g_object_get_property (record, self->name, &value);

  return tornadis_record_text_from_value (&value);
}

GBytes *
tornadis_record_field_print_value (TornadisRecordField *self,
                                   const GValue *value)
{
  return self->pspec != NULL ? tornadis_record_text_from_value (value) : tornadis_record_text_from_variant (g_value_get_variant (value));
}

gboolean
tornadis_record_field_read (TornadisRecordField *self,
                            GBytes *text,
                            GValue *value)
{
  if (self->pspec == NULL)
    {
      GVariant *variant =
        text != NULL ? tornadis_record_text_to_variant (text, g_variant_get_type (self->fallback)) : g_variant_ref (self->fallback);

      g_value_init (value, G_TYPE_VARIANT);
      g_value_take_variant (value, variant);
      return variant != NULL;
    }

  g_value_init (value, G_PARAM_SPEC_VALUE_TYPE (self->pspec));
  if (text == NULL)
    {
      g_param_value_set_default (self->pspec, value);
      return TRUE;
    }

  /* What the property would make something else of would be written again by it. */
  return tornadis_record_text_to_value (text, value) && !g_param_value_validate (self->pspec, value);
}

void
tornadis_record_field_set (TornadisRecordField *self,
                           GObject *record,
                           const GValue *value,
                           GBytes *text)
{
  if (self->pspec != NULL)
    {
      g_object_set_property (record, self->name, value);
      g_clear_pointer (&self->value, g_bytes_unref);
      /* A setter may have made another of it. */
      self->value = tornadis_record_field_print (self, record);
      return;
    }

  g_clear_pointer (&self->variant, g_variant_unref);
  self->variant = g_value_dup_variant (value);
  g_clear_pointer (&self->value, g_bytes_unref);
  self->value = text != NULL ? g_bytes_ref (text) : NULL;
}

GVariant *
tornadis_record_field_tell (TornadisRecordField *self,
                            GBytes *text)
{
  GVariant *variant = NULL;

  if (text == NULL)
    return g_variant_ref_sink (g_variant_new_tuple (NULL, 0));

  if (self->pspec == NULL)
    variant = tornadis_record_text_to_variant (text, g_variant_get_type (self->fallback));

  return variant != NULL ? variant : tornadis_record_text_tell (text, self->pspec != NULL ? self->pspec->value_type : G_TYPE_BYTES);
}

gboolean
tornadis_record_bytes_equal (GBytes *one,
                             GBytes *other)
{
  return one == other || (one != NULL && other != NULL && g_bytes_equal (one, other));
}
