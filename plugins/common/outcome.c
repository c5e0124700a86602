/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/outcome.h"

char *
outcome_describe (const GError *error)
{
  char *prefix;

  if (error == NULL)
    return g_strdup ("ok");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_strdup ("cancelled");

  prefix = tornadis_error_dup_prefix (error);
  if (prefix != NULL)
    return prefix;

  if (error->domain == TORNADIS_ERROR)
    {
      g_autoptr (GEnumClass) klass = g_type_class_ref (TORNADIS_TYPE_ERROR);
      const GEnumValue *value = g_enum_get_value (klass, error->code);

      if (value != NULL)
        return g_strdup (value->value_nick);
    }

  return g_strdup_printf ("%s-%d", g_quark_to_string (error->domain), error->code);
}

char *
outcome_dup_server (TornadisCall *call)
{
  TornadisClient *target = tornadis_call_get_target (call);
  char *title;

  g_object_get (target != NULL ? target : tornadis_call_get_client (call), "title", &title, NULL);

  return title;
}
