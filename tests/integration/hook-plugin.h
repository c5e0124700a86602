/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plugin that runs a function in all of its hooks, and calls of which each must end once. */

#pragma once

#include "integration/util.h"

G_BEGIN_DECLS

typedef enum
{
  ATTACH,
  DETACH,
  SETUP,
  CALL,
  CALL_DONE,
  PUSH,
  OBSERVE,
  WAITED,
  N_HOOKS,
} Hook;

typedef struct _HookPlugin HookPlugin;

/* What a test does in a hook. TRUE from CALL holds the call, from PUSH consumes it; from ATTACH nothing is asked. */
typedef gboolean (*HookFunc) (HookPlugin *self,
                              Hook hook,
                              TornadisClient *client,
                              TornadisCall *call);

/* One function for all hooks. */
struct _HookPlugin
{
  TornadisPlugin parent_instance;

  const char *name;
  HookFunc func;          /* (nullable) */
  gpointer data;          /* (unowned) */
  GString *log;           /* (unowned) (nullable) */
  TornadisCall *kept;     /* (owned) (nullable) */
  TornadisClient *client; /* (unowned) the last that it was attached to */
  guint n[N_HOOKS];       /* how often each was called */
};

/* A plugin that only looks on, and one that takes part in calls too. */
GType looking_plugin_get_type (void);
GType calling_plugin_get_type (void);

HookPlugin *add_looking (TornadisClient *client,
                         const char *name,
                         HookFunc func,
                         gpointer data);
HookPlugin *add_calling (TornadisClient *client,
                         const char *name,
                         HookFunc func,
                         gpointer data);
/* Removes the plugin, which nobody else has. */
void take_off (TornadisClient *client,
               HookPlugin *plugin);

/* A command of words. */
TornadisCommand *make_command (const char *line);

/* Calls of which each must end once, and free what belongs to it afterwards. */
typedef struct
{
  guint n_made;
  guint n_ended;
  guint n_freed;
  GError *error; /* (owned) (nullable) the last */
} Calls;

/* For tornadis_client_submit(), with these as its data. */
void count_ended_cb (TornadisClient *client,
                     TornadisReply *reply,
                     GError *error,
                     gpointer user_data);
void count_freed_cb (gpointer user_data);
void submit (TornadisClient *client,
             const char *line,
             Calls *calls);
/* Until all have ended, none twice. */
void wait_for_calls (Calls *calls);
void calls_clear (Calls *calls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HookPlugin, g_object_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Calls, calls_clear)

G_END_DECLS
