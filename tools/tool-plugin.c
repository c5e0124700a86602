/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plugins from the command line: NAME, or NAME:PROPERTY=VALUE,PROPERTY=VALUE. */

#include "tool.h"

#include <string.h>

static gboolean
fail (GError **error,
      const char *format,
      ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error,
      const char *format,
      ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, format, args);
  va_end (args);

  return FALSE;
}

static gboolean
parse_boolean (const char *text,
               GValue *value)
{
  static const char *const yes[] = { "true", "yes", "on", "1", NULL };
  static const char *const no[] = { "false", "no", "off", "0", NULL };

  g_value_set_boolean (value, g_strv_contains (yes, text));
  return g_strv_contains (yes, text) || g_strv_contains (no, text);
}

static gboolean
parse_enum (const char *text,
            GValue *value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (G_VALUE_TYPE (value));
  const GEnumValue *found = g_enum_get_value_by_nick (klass, text);

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
  g_auto (GStrv) nicks = g_strsplit (text, "|", -1);
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
      g_value_take_boxed (value, g_strsplit (text, ";", -1));
      return g_utf8_validate (text, -1, NULL);
    }
}

/* A number with the range of the property, for G_PARAM_SPEC_INT and its like. */
#define RANGE(TYPE, pspec, format) \
  g_strdup_printf ("a number from " format " to " format, TYPE (pspec)->minimum, TYPE (pspec)->maximum)

static char *
describe_nicks (GParamSpec *pspec)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) nicks = NULL;
  g_autofree char *joined = NULL;

  if (G_IS_PARAM_SPEC_ENUM (pspec))
    for (guint i = 0; i < G_PARAM_SPEC_ENUM (pspec)->enum_class->n_values; i++)
      g_strv_builder_add (builder, G_PARAM_SPEC_ENUM (pspec)->enum_class->values[i].value_nick);
  else
    for (guint i = 0; i < G_PARAM_SPEC_FLAGS (pspec)->flags_class->n_values; i++)
      g_strv_builder_add (builder, G_PARAM_SPEC_FLAGS (pspec)->flags_class->values[i].value_nick);

  nicks = g_strv_builder_end (builder);
  joined = g_strjoinv (", ", nicks);

  return g_strconcat (G_IS_PARAM_SPEC_ENUM (pspec) ? "one of " : "any, joined by |, of ", joined, NULL);
}

/* What may be given for a property, in words, or NULL if nothing that a command line has. */
char *
tool_property_describe_type (GParamSpec *pspec)
{
  if ((pspec->flags & G_PARAM_WRITABLE) == 0)
    return NULL;

  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_STRING:
      return g_strdup ("text");
    case G_TYPE_BOOLEAN:
      return g_strdup ("true or false");
    case G_TYPE_ENUM:
    case G_TYPE_FLAGS:
      return describe_nicks (pspec);
    case G_TYPE_CHAR:
      return RANGE (G_PARAM_SPEC_CHAR, pspec, "%d");
    case G_TYPE_INT:
      return RANGE (G_PARAM_SPEC_INT, pspec, "%d");
    case G_TYPE_LONG:
      return RANGE (G_PARAM_SPEC_LONG, pspec, "%ld");
    case G_TYPE_INT64:
      return RANGE (G_PARAM_SPEC_INT64, pspec, "%" G_GINT64_FORMAT);
    case G_TYPE_UCHAR:
      return RANGE (G_PARAM_SPEC_UCHAR, pspec, "%u");
    case G_TYPE_UINT:
      return RANGE (G_PARAM_SPEC_UINT, pspec, "%u");
    case G_TYPE_ULONG:
      return RANGE (G_PARAM_SPEC_ULONG, pspec, "%lu");
    case G_TYPE_UINT64:
      return RANGE (G_PARAM_SPEC_UINT64, pspec, "%" G_GUINT64_FORMAT);
    case G_TYPE_FLOAT:
      return g_strdup_printf ("a number from %g to %g", (double) G_PARAM_SPEC_FLOAT (pspec)->minimum,
                              (double) G_PARAM_SPEC_FLOAT (pspec)->maximum);
    case G_TYPE_DOUBLE:
      return RANGE (G_PARAM_SPEC_DOUBLE, pspec, "%g");
    default:
      return pspec->value_type == G_TYPE_STRV ? g_strdup ("texts, joined by ;") : NULL;
    }
}

/* Takes PROPERTY=VALUE from the front of @rest, up to a comma that no backslash stands before. */
static char *
take_assignment (const char **rest)
{
  GString *text = g_string_new (NULL);
  const char *p = *rest;

  for (; *p != '\0' && *p != ','; p++)
    {
      if (*p == '\\' && (p[1] == ',' || p[1] == '\\'))
        p++;
      g_string_append_c (text, *p);
    }
  *rest = *p == ',' ? p + 1 : p;

  return g_string_free (text, FALSE);
}

static gboolean
parse_assignment (GObjectClass *klass,
                  const char *plugin,
                  char *text,
                  const char **name,
                  GValue *value,
                  GError **error)
{
  char *equals = strchr (text, '=');
  g_autofree char *type = NULL;
  GParamSpec *pspec;

  if (equals == NULL || equals == text)
    return fail (error, "The options of the plugin “%s” are PROPERTY=VALUE, with commas between them", plugin);

  *equals = '\0';
  pspec = g_object_class_find_property (klass, text);
  if (pspec == NULL)
    return fail (error, "The plugin “%s” has no property “%s”", plugin, text);

  type = tool_property_describe_type (pspec);
  if (type == NULL)
    return fail (error, "The property “%s” of the plugin “%s” cannot be set here", pspec->name, plugin);

  g_value_init (value, pspec->value_type);
  /* It says TRUE when it had to change the value, which may be secret and is not repeated. */
  if (!parse_value (equals + 1, value) || g_param_value_validate (pspec, value))
    return fail (error, "Not a value for the property “%s” of the plugin “%s”: it takes %s", pspec->name, plugin, type);

  *name = pspec->name;
  return TRUE;
}

/* Makes a plugin with the properties that stand behind its name. Those that can be set at construction only are the
 * reason for making it anew once its type is known. */
TornadisPlugin *
tool_plugin_new (const char *text,
                 GError **error)
{
  const char *rest = text + strcspn (text, ":");
  g_autofree char *plugin_name = g_strndup (text, (gsize) (rest - text));
  g_autoptr (TornadisPlugin) plugin = tornadis_plugin_new_by_name (plugin_name, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GArray) values = g_array_new (FALSE, TRUE, sizeof (GValue));

  if (plugin == NULL || *rest == '\0')
    return g_steal_pointer (&plugin);

  g_array_set_clear_func (values, (GDestroyNotify) g_value_unset);
  for (rest++; *rest != '\0';)
    {
      g_autofree char *assignment = take_assignment (&rest);
      const char *name = NULL;

      g_array_set_size (values, values->len + 1);
      if (!parse_assignment (G_OBJECT_GET_CLASS (plugin), plugin_name, assignment, &name,
                             &g_array_index (values, GValue, values->len - 1), error))
        return NULL;
      g_ptr_array_add (names, (gpointer) name);
    }

  return TORNADIS_PLUGIN (g_object_new_with_properties (G_OBJECT_TYPE (plugin), names->len, (const char **) names->pdata,
                                                        (gpointer) values->data));
}
