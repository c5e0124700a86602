/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plugins from the command line: NAME, or NAME:PROPERTY=VALUE,PROPERTY=VALUE. */

#include "tool.h"

#include <string.h>

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

/* Creates a plugin with the properties that follow its name. */
TornadisPlugin *
tool_plugin_new (const char *text,
                 GError **error)
{
  const char *rest = text + strcspn (text, ":");
  g_autofree char *name = g_strndup (text, (gsize) (rest - text));
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) options = NULL;

  if (*rest == ':')
    rest++;
  while (*rest != '\0')
    {
      g_autofree char *assignment = take_assignment (&rest);

      g_strv_builder_add (builder, assignment);
    }
  options = g_strv_builder_end (builder);

  return tornadis_plugin_new_with_options (name, (const char *const *) options, error);
}
