/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* What the plugin has to know of a command beside the keys among its arguments. */
typedef enum
{
  KEY_ROLE_PLAIN,
  /* Sent whatever is known of the server: COMMAND may need it. So is connecting. */
  KEY_ROLE_AUTH,
  KEY_ROLE_MULTI,
  KEY_ROLE_EXEC,
  KEY_ROLE_DISCARD,
  /* Arguments that are patterns, but nothing in the reply. */
  KEY_ROLE_SORT,
  /* What the reply is: names, a cursor and names, one name, an array with a name before the rest, or streams. */
  KEY_ROLE_KEYS,
  KEY_ROLE_SCAN,
  KEY_ROLE_RANDOMKEY,
  KEY_ROLE_POP,
  KEY_ROLE_STREAMS,
} KeyRole;

KeyRole          key_prefix_get_role (TornadisCommand *command);
/* The command with @prefix before the arguments at @positions (element-type guint) and before patterns; itself when
 * there are none. NULL with TORNADIS_ERROR_PLUGIN: its keys are not known. */
TornadisCommand *key_prefix_add      (GBytes          *prefix,
                                      KeyRole          role,
                                      TornadisCommand *command,
                                      GArray          *positions,
                                      GError         **error);
/* The reply with @prefix taken off the names in it; itself when there are none. */
TornadisReply   *key_prefix_remove   (GBytes          *prefix,
                                      KeyRole          role,
                                      TornadisReply   *reply);
/* Whether it is a name with @prefix before it. */
gboolean         key_prefix_is_named (GBytes          *prefix,
                                      TornadisReply   *reply);

G_END_DECLS
