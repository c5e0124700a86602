/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties from text: what a URI, a command line or a settings file says. */

#include "tornadis-glib/values/tornadis-option-private.h"

#include <string.h>

static gboolean
parse_boolean (const char *text,
               GValue *value)
{
  static const char *const yes[] = { "true", "yes", "on", "1", NULL };
  static const char *const no[] = { "false", "no", "off", "0", NULL };

  g_autofree char *lower = g_ascii_strdown (text, -1);

  g_value_set_boolean (value, g_strv_contains (yes, lower));
  return g_strv_contains (yes, lower) || g_strv_contains (no, lower);
}

static gboolean
parse_enum (const char *text,
            GValue *value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (G_VALUE_TYPE (value));
  g_autofree char *lower = g_ascii_strdown (text, -1);
  const GEnumValue *found = g_enum_get_value_by_nick (klass, lower);

  if (found == NULL)
    return FALSE;

  g_value_set_enum (value, found->value);
  return TRUE;
}

static gboolean
parse_flags (const char *text,
             GValue *value)
{
  g_autoptr (GFlagsClass) klass = g_type_class_ref (G_VALUE_TYPE (value));
  g_auto (GStrv) nicks = g_strsplit_set (text, "|,", -1);
  guint flags = 0;

  for (guint i = 0; nicks[i] != NULL; i++)
    {
      const GFlagsValue *found = g_flags_get_value_by_nick (klass, nicks[i]);

      if (found == NULL)
        return FALSE;
      flags |= found->value;
    }

  g_value_set_flags (value, flags);
  return TRUE;
}

/* Into the widest type, and from there into that of @value, from which it must come back. */
static gboolean
parse_integer (const char *text,
               GType widest,
               GValue *value)
{
  g_auto (GValue) number = G_VALUE_INIT;
  g_auto (GValue) again = G_VALUE_INIT;
  gint64 integer = 0;
  guint64 natural = 0;

  g_value_init (&number, widest);
  g_value_init (&again, widest);

  if (widest == G_TYPE_INT64)
    {
      if (!g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &integer, NULL))
        return FALSE;
      g_value_set_int64 (&number, integer);
      return g_value_transform (&number, value) && g_value_transform (value, &again) &&
             g_value_get_int64 (&again) == integer;
    }

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &natural, NULL))
    return FALSE;
  g_value_set_uint64 (&number, natural);
  return g_value_transform (&number, value) && g_value_transform (value, &again) &&
         g_value_get_uint64 (&again) == natural;
}

static gboolean
parse_double (const char *text,
              GValue *value)
{
  g_auto (GValue) number = G_VALUE_INIT;
  char *end;

  g_value_init (&number, G_TYPE_DOUBLE);
  g_value_set_double (&number, g_ascii_strtod (text, &end));

  return end != text && *end == '\0' && g_value_transform (&number, value);
}

/* Texts with commas or semicolons between them; one that belongs to a text has a backslash before it. */
static char **
split_list (const char *text)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GString) item = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == '\\' && (p[1] == ',' || p[1] == ';'))
        {
          g_string_append_c (item, *++p);
        }
      else if (*p == ',' || *p == ';')
        {
          g_strv_builder_add (builder, item->str);
          g_string_truncate (item, 0);
        }
      else
        {
          g_string_append_c (item, *p);
        }
    }
  if (*text != '\0')
    g_strv_builder_add (builder, item->str);

  return g_strv_builder_end (builder);
}

static gboolean
parse_value (const char *text,
             GValue *value)
{
  GType type = G_VALUE_TYPE (value);

  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_STRING:
      g_value_set_string (value, text);
      return g_utf8_validate (text, -1, NULL);
    case G_TYPE_BOOLEAN:
      return parse_boolean (text, value);
    case G_TYPE_ENUM:
      return parse_enum (text, value);
    case G_TYPE_FLAGS:
      return parse_flags (text, value);
    case G_TYPE_CHAR:
    case G_TYPE_INT:
    case G_TYPE_LONG:
    case G_TYPE_INT64:
      return parse_integer (text, G_TYPE_INT64, value);
    case G_TYPE_UCHAR:
    case G_TYPE_UINT:
    case G_TYPE_ULONG:
    case G_TYPE_UINT64:
      return parse_integer (text, G_TYPE_UINT64, value);
    case G_TYPE_FLOAT:
    case G_TYPE_DOUBLE:
      return parse_double (text, value);
    default:
      if (type != G_TYPE_STRV)
        return FALSE;
      g_value_take_boxed (value, split_list (text));
      return g_utf8_validate (text, -1, NULL);
    }
}

gboolean
tornadis_option_parse (GParamSpec *pspec,
                       const char *text,
                       GValue *value)
{
  g_value_init (value, pspec->value_type);

  /* To validate is to change a value that is out of range. */
  return parse_value (text, value) && !g_param_value_validate (pspec, value);
}
