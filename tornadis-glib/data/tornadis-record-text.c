/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-record-text-private.h"

#include <string.h>

/* Between the nicks of flags. */
#define FLAG_SEPARATOR ","

static GBytes *
take_text (char *text)
{
  return g_bytes_new_take (text, strlen (text));
}

/* (nullable) (transfer full): with a NUL behind it, unless it is no text. */
static char *
dup_text (GBytes *bytes)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  if (length == 0)
    return g_strdup ("");

  return g_utf8_validate (data, (gssize) length, NULL) ? g_strndup (data, length) : NULL;
}

static gboolean
read_signed (const char *text,
             gint64 min,
             gint64 max,
             gint64 *number)
{
  return g_ascii_string_to_signed (text, 10, min, max, number, NULL);
}

static gboolean
read_unsigned (const char *text,
               guint64 max,
               guint64 *number)
{
  return g_ascii_string_to_unsigned (text, 10, 0, max, number, NULL);
}

static gboolean
read_double (const char *text,
             double *number)
{
  char *end;

  if (*text == '\0' || g_ascii_isspace (*text))
    return FALSE;

  *number = g_ascii_strtod (text, &end);
  return *end == '\0';
}

static gboolean
read_boolean (const char *text,
              gboolean *truth)
{
  *truth = g_str_equal (text, "1") || g_ascii_strcasecmp (text, "true") == 0;

  return *truth || g_str_equal (text, "0") || g_ascii_strcasecmp (text, "false") == 0;
}

static char *
print_double (double number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_dtostr (buffer, sizeof buffer, number));
}

/* With as few digits as read back as the same number. */
static char *
print_float (float number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  for (int digits = 6; digits <= 9; digits++)
    {
      g_autofree char *format = g_strdup_printf ("%%.%dg", digits);

      g_ascii_formatd (buffer, sizeof buffer, format, (double) number);
      if ((float) g_ascii_strtod (buffer, NULL) == number)
        break;
    }

  return g_strdup (buffer);
}

static char *
print_enum (GType type,
            int number)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  const GEnumValue *value = g_enum_get_value (klass, number);

  return value != NULL ? g_strdup (value->value_nick) : g_strdup_printf ("%d", number);
}

static gboolean
read_enum (GType type,
           const char *text,
           int *number)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  const GEnumValue *value = g_enum_get_value_by_nick (klass, text);
  gint64 digits;

  if (value == NULL && read_signed (text, G_MININT, G_MAXINT, &digits))
    value = g_enum_get_value (klass, (int) digits);
  if (value != NULL)
    *number = value->value;

  return value != NULL;
}

static char *
print_flags (GType type,
             guint number)
{
  g_autoptr (GFlagsClass) klass = g_type_class_ref (type);
  g_autoptr (GString) text = g_string_new (NULL);

  while (number != 0)
    {
      const GFlagsValue *value = g_flags_get_first_value (klass, number);

      if (text->len > 0)
        g_string_append (text, FLAG_SEPARATOR);
      if (value == NULL)
        {
          g_string_append_printf (text, "%u", number);
          break;
        }
      g_string_append (text, value->value_nick);
      number &= ~value->value;
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
read_flags (GType type,
            const char *text,
            guint *number)
{
  g_autoptr (GFlagsClass) klass = g_type_class_ref (type);
  g_auto (GStrv) nicks = g_strsplit (text, FLAG_SEPARATOR, -1);

  *number = 0;
  for (guint i = 0; nicks[i] != NULL; i++)
    {
      const GFlagsValue *value = g_flags_get_value_by_nick (klass, g_strstrip (nicks[i]));
      guint64 digits;

      if (value != NULL)
        *number |= value->value;
      else if (read_unsigned (nicks[i], klass->mask, &digits) && (digits & ~(guint64) klass->mask) == 0)
        *number |= (guint) digits;
      else
        return FALSE;
    }

  return TRUE;
}

gboolean
tornadis_record_text_has_type (GType type)
{
  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_BOOLEAN:
    case G_TYPE_CHAR:
    case G_TYPE_UCHAR:
    case G_TYPE_INT:
    case G_TYPE_UINT:
    case G_TYPE_LONG:
    case G_TYPE_ULONG:
    case G_TYPE_INT64:
    case G_TYPE_UINT64:
    case G_TYPE_FLOAT:
    case G_TYPE_DOUBLE:
    case G_TYPE_STRING:
    case G_TYPE_ENUM:
    case G_TYPE_FLAGS:
    case G_TYPE_VARIANT:
      return TRUE;
    default:
      return g_type_is_a (type, G_TYPE_BYTES) || g_type_is_a (type, G_TYPE_DATE_TIME) ||
             (g_value_type_transformable (type, G_TYPE_STRING) && g_value_type_transformable (G_TYPE_STRING, type));
    }
}

static char *
print_other (const GValue *value)
{
  g_auto (GValue) text = G_VALUE_INIT;

  g_value_init (&text, G_TYPE_STRING);

  return g_value_transform (value, &text) ? g_value_dup_string (&text) : NULL;
}

static GBytes *
print_boxed (const GValue *value)
{
  gpointer boxed = G_VALUE_HOLDS_BOXED (value) ? g_value_get_boxed (value) : NULL;
  g_autofree char *text = NULL;

  if (G_VALUE_HOLDS (value, G_TYPE_BYTES))
    return boxed != NULL ? g_bytes_ref (boxed) : NULL;
  if (G_VALUE_HOLDS (value, G_TYPE_DATE_TIME))
    text = boxed != NULL ? g_date_time_format_iso8601 (boxed) : NULL;
  else
    text = print_other (value);

  return text != NULL ? take_text (g_steal_pointer (&text)) : NULL;
}

GBytes *
tornadis_record_text_from_value (const GValue *value)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_BOOLEAN:
      return take_text (g_strdup (g_value_get_boolean (value) ? "1" : "0"));
    case G_TYPE_CHAR:
      return take_text (g_strdup_printf ("%d", g_value_get_schar (value)));
    case G_TYPE_UCHAR:
      return take_text (g_strdup_printf ("%u", g_value_get_uchar (value)));
    case G_TYPE_INT:
      return take_text (g_strdup_printf ("%d", g_value_get_int (value)));
    case G_TYPE_UINT:
      return take_text (g_strdup_printf ("%u", g_value_get_uint (value)));
    case G_TYPE_LONG:
      return take_text (g_strdup_printf ("%ld", g_value_get_long (value)));
    case G_TYPE_ULONG:
      return take_text (g_strdup_printf ("%lu", g_value_get_ulong (value)));
    case G_TYPE_INT64:
      return take_text (g_strdup_printf ("%" G_GINT64_FORMAT, g_value_get_int64 (value)));
    case G_TYPE_UINT64:
      return take_text (g_strdup_printf ("%" G_GUINT64_FORMAT, g_value_get_uint64 (value)));
    case G_TYPE_FLOAT:
      return take_text (print_float (g_value_get_float (value)));
    case G_TYPE_DOUBLE:
      return take_text (print_double (g_value_get_double (value)));
    case G_TYPE_ENUM:
      return take_text (print_enum (G_VALUE_TYPE (value), g_value_get_enum (value)));
    case G_TYPE_FLAGS:
      return take_text (print_flags (G_VALUE_TYPE (value), g_value_get_flags (value)));
    case G_TYPE_STRING:
      return g_value_get_string (value) != NULL ? take_text (g_value_dup_string (value)) : NULL;
    case G_TYPE_VARIANT:
      return g_value_get_variant (value) != NULL ? take_text (g_variant_print (g_value_get_variant (value), TRUE)) : NULL;
    default:
      return print_boxed (value);
    }
}

static gboolean
read_boxed (const char *text,
            GValue *value)
{
  if (G_VALUE_HOLDS (value, G_TYPE_DATE_TIME))
    {
      g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
      GDateTime *time = g_date_time_new_from_iso8601 (text, utc);

      g_value_take_boxed (value, time);
      return time != NULL;
    }
  else
    {
      g_auto (GValue) source = G_VALUE_INIT;

      g_value_init (&source, G_TYPE_STRING);
      g_value_set_string (&source, text);
      return g_value_transform (&source, value);
    }
}

static gboolean
read_text (const char *text,
           GValue *value)
{
  GType type = G_VALUE_TYPE (value);
  gboolean is_done;
  gint64 number = 0;
  guint64 natural = 0;
  double real = 0;
  int ordinal = 0;
  guint flags = 0;

  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_BOOLEAN:
      is_done = read_boolean (text, &ordinal);
      g_value_set_boolean (value, ordinal);
      return is_done;
    case G_TYPE_CHAR:
      is_done = read_signed (text, G_MININT8, G_MAXINT8, &number);
      g_value_set_schar (value, (gint8) number);
      return is_done;
    case G_TYPE_UCHAR:
      is_done = read_unsigned (text, G_MAXUINT8, &natural);
      g_value_set_uchar (value, (guint8) natural);
      return is_done;
    case G_TYPE_INT:
      is_done = read_signed (text, G_MININT, G_MAXINT, &number);
      g_value_set_int (value, (int) number);
      return is_done;
    case G_TYPE_UINT:
      is_done = read_unsigned (text, G_MAXUINT, &natural);
      g_value_set_uint (value, (guint) natural);
      return is_done;
    case G_TYPE_LONG:
      is_done = read_signed (text, G_MINLONG, G_MAXLONG, &number);
      g_value_set_long (value, (long) number);
      return is_done;
    case G_TYPE_ULONG:
      is_done = read_unsigned (text, G_MAXULONG, &natural);
      g_value_set_ulong (value, (gulong) natural);
      return is_done;
    case G_TYPE_INT64:
      is_done = read_signed (text, G_MININT64, G_MAXINT64, &number);
      g_value_set_int64 (value, number);
      return is_done;
    case G_TYPE_UINT64:
      is_done = read_unsigned (text, G_MAXUINT64, &natural);
      g_value_set_uint64 (value, natural);
      return is_done;
    case G_TYPE_FLOAT:
      is_done = read_double (text, &real);
      g_value_set_float (value, (float) real);
      return is_done;
    case G_TYPE_DOUBLE:
      is_done = read_double (text, &real);
      g_value_set_double (value, real);
      return is_done;
    case G_TYPE_ENUM:
      is_done = read_enum (type, text, &ordinal);
      if (is_done)
        g_value_set_enum (value, ordinal);
      return is_done;
    case G_TYPE_FLAGS:
      is_done = *text == '\0' || read_flags (type, text, &flags);
      g_value_set_flags (value, flags);
      return is_done;
    case G_TYPE_STRING:
      g_value_set_string (value, text);
      return TRUE;
    default:
      return read_boxed (text, value);
    }
}

gboolean
tornadis_record_text_to_value (GBytes *bytes,
                               GValue *value)
{
  g_autofree char *text = NULL;

  if (G_VALUE_HOLDS (value, G_TYPE_BYTES))
    {
      g_value_set_boxed (value, bytes);
      return TRUE;
    }

  text = dup_text (bytes);
  if (text == NULL)
    return FALSE;

  if (G_VALUE_HOLDS_VARIANT (value))
    {
      GVariant *variant = g_variant_parse (NULL, text, NULL, NULL, NULL);

      g_value_take_variant (value, variant);
      return variant != NULL;
    }

  return read_text (text, value);
}

GBytes *
tornadis_record_text_from_variant (GVariant *variant)
{
  if (g_variant_is_of_type (variant, G_VARIANT_TYPE_BYTESTRING))
    return g_variant_get_data_as_bytes (variant);

  switch (g_variant_classify (variant))
    {
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      return take_text (g_variant_dup_string (variant, NULL));
    case G_VARIANT_CLASS_BOOLEAN:
      return take_text (g_strdup (g_variant_get_boolean (variant) ? "1" : "0"));
    case G_VARIANT_CLASS_DOUBLE:
      return take_text (print_double (g_variant_get_double (variant)));
    case G_VARIANT_CLASS_BYTE:
      return take_text (g_strdup_printf ("%u", g_variant_get_byte (variant)));
    case G_VARIANT_CLASS_VARIANT:
      return take_text (g_variant_print (variant, TRUE));
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_UINT32:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_MAYBE:
    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
    default:
      /* Integers are their digits. */
      return take_text (g_variant_print (variant, FALSE));
    }
}

static GVariant *
read_variant (const char *text,
              const GVariantType *type)
{
  double real;
  guint64 natural;
  gboolean truth;

  if (g_variant_type_equal (type, G_VARIANT_TYPE_STRING))
    return g_variant_new_string (text);
  if (g_variant_type_equal (type, G_VARIANT_TYPE_OBJECT_PATH))
    return g_variant_is_object_path (text) ? g_variant_new_object_path (text) : NULL;
  if (g_variant_type_equal (type, G_VARIANT_TYPE_SIGNATURE))
    return g_variant_is_signature (text) ? g_variant_new_signature (text) : NULL;
  if (g_variant_type_equal (type, G_VARIANT_TYPE_BOOLEAN))
    return read_boolean (text, &truth) ? g_variant_new_boolean (truth) : NULL;
  if (g_variant_type_equal (type, G_VARIANT_TYPE_DOUBLE))
    return read_double (text, &real) ? g_variant_new_double (real) : NULL;
  if (g_variant_type_equal (type, G_VARIANT_TYPE_BYTE))
    return read_unsigned (text, G_MAXUINT8, &natural) ? g_variant_new_byte ((guint8) natural) : NULL;

  return g_variant_parse (type, text, NULL, NULL, NULL);
}

GVariant *
tornadis_record_text_to_variant (GBytes *bytes,
                                 const GVariantType *type)
{
  g_autofree char *text = NULL;
  GVariant *variant;

  if (g_variant_type_equal (type, G_VARIANT_TYPE_BYTESTRING))
    return g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, TRUE));

  text = dup_text (bytes);
  variant = text != NULL ? read_variant (text, type) : NULL;

  /* What is parsed does not float. */
  return variant != NULL ? g_variant_take_ref (variant) : NULL;
}

static const GVariantType *
get_variant_type (GType type)
{
  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_BOOLEAN:
      return G_VARIANT_TYPE_BOOLEAN;
    case G_TYPE_CHAR:
    case G_TYPE_INT:
      return G_VARIANT_TYPE_INT32;
    case G_TYPE_UCHAR:
    case G_TYPE_UINT:
      return G_VARIANT_TYPE_UINT32;
    case G_TYPE_LONG:
    case G_TYPE_INT64:
      return G_VARIANT_TYPE_INT64;
    case G_TYPE_ULONG:
    case G_TYPE_UINT64:
      return G_VARIANT_TYPE_UINT64;
    case G_TYPE_FLOAT:
    case G_TYPE_DOUBLE:
      return G_VARIANT_TYPE_DOUBLE;
    default:
      return type == G_TYPE_BYTES ? G_VARIANT_TYPE_BYTESTRING : G_VARIANT_TYPE_STRING;
    }
}

GVariant *
tornadis_record_text_tell (GBytes *bytes,
                           GType type)
{
  GVariant *variant = tornadis_record_text_to_variant (bytes, get_variant_type (type));

  return variant != NULL ? variant : tornadis_record_text_to_variant (bytes, G_VARIANT_TYPE_BYTESTRING);
}
