/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What servers say of their commands, for tests: a plugin that has nothing but a table. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "common/command-table.h"
#include "harness/harness.h"

G_BEGIN_DECLS

#define TABLE_TYPE_PLUGIN (table_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TablePlugin, table_plugin, TABLE, PLUGIN, TornadisPlugin)

struct _TablePlugin
{
  TornadisPlugin parent_instance;

  CommandTable *table; /* (owned) */
};

/* What a waiter was told. */
typedef struct
{
  gboolean told;
  guint times;
  GError *error;
} Told;

/* A CommandTableFunc. */
void             told_cb      (const GError   *error,
                               gpointer        user_data);
/* Of the client, which has it. */
TablePlugin     *make_table   (TornadisClient *client);
void             drop_table   (TornadisClient *client,
                               TablePlugin    *plugin);
/* Waits until the table is. */
void             assert_ready (TablePlugin    *plugin,
                               TornadisClient *client);
/* A client of a peer that answers COMMAND with @resp, and a table that has been told of it. */
TornadisClient  *make_scripted_table (const char          *resp,
                                      TornadisHarnessPeer **peer,
                                      TablePlugin         **plugin,
                                      Told                 *told);
void             drop_scripted_table (TornadisClient       *client,
                                      TornadisHarnessPeer  *peer,
                                      TablePlugin          *plugin);
/* The command of a line that is quoted as for a shell. */
TornadisCommand *split        (const char     *line);
/* What the table has of it (nullable). */
const CommandEntry *find_entry       (TablePlugin    *plugin,
                                      TornadisClient *client,
                                      const char     *line);

G_END_DECLS
