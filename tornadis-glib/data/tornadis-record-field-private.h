/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A field of a record: a property, or an entry of its dictionary. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;         /* (owned) */
  GParamSpec *pspec;  /* (owned) (nullable) of a property */
  GVariant *fallback; /* (owned) (nullable) of an entry: its type, and its value where the server has none */
  GVariant *variant;  /* (owned) (nullable) of an entry: its value */

  GBytes *value;   /* (owned) (nullable) what the record shows, as it would be on the server */
  GBytes *written; /* (owned) (nullable) what was written last */
  GBytes *invalid; /* (owned) (nullable) what was told of last that is no value */
  guint64 changed; /* the count of the record when it was changed here, or a write of it began or ended */
  gboolean dirty;  /* it is to be written */
  gboolean writing;
  gboolean unconfirmed; /* it was written, and not read since */

  /* What is to be told when all fields are set. */
  GVariant *lost; /* (owned) (nullable) */
  gboolean tell_invalid;
  gboolean tell_changed;
} TornadisRecordField;

/* (nullable): unless it is none: what TornadisRecord has itself, what is not readable and writable, and values that can't be told
 * as text. */
TornadisRecordField *tornadis_record_field_new_for_property (GParamSpec *pspec,
                                                             GType base);
TornadisRecordField *tornadis_record_field_new_for_entry (const char *name,
                                                          GVariant *fallback);
void tornadis_record_field_free (gpointer field);

/* (nullable) (transfer full): what it is now in the record. */
GBytes *tornadis_record_field_print (TornadisRecordField *self,
                                     GObject *record);
/* (nullable) (transfer full) */
GBytes *tornadis_record_field_print_value (TornadisRecordField *self,
                                           const GValue *value);
/* Initializes @value, to what the server has, or to the default for %NULL. Whether it is a value of the field as it is. */
gboolean tornadis_record_field_read (TornadisRecordField *self,
                                     GBytes *text,
                                     GValue *value);
/* @value is @text read. */
void tornadis_record_field_set (TornadisRecordField *self,
                                GObject *record,
                                const GValue *value,
                                GBytes *text);
/* (transfer full): what was written, as a variant; that of %NULL is an empty `()`. */
GVariant *tornadis_record_field_tell (TornadisRecordField *self,
                                      GBytes *text);

gboolean tornadis_record_bytes_equal (GBytes *one,
                                      GBytes *other);

G_END_DECLS
