/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* CLIENT TRACKING of the user. The server keeps it for a connection, and the client does not repeat it on the next one: it
 * is kept in mind to be said. While it is on, a plugin of the client takes what the server says of keys that have changed. */

#include "prompt.h"

typedef enum
{
  CHOICE_NONE,
  CHOICE_ON,
  CHOICE_OFF,
} Choice;

typedef TornadisPlugin PromptTracker;
typedef TornadisPluginClass PromptTrackerClass;

static TornadisPlugin *tracker; /* (owned) (nullable) */
static TornadisClient *tracked; /* (owned) (nullable): whose plugin that is */
static gboolean is_on;
static Choice queued; /* in the transaction */

static GType prompt_tracker_get_type (void);

G_DEFINE_TYPE (PromptTracker, prompt_tracker, TORNADIS_TYPE_PLUGIN)

static gboolean
prompt_tracker_push (TornadisPlugin *plugin,
                     TornadisReply *push)
{
  TornadisReply *kind = tornadis_reply_get_element (push, 0);
  TornadisReply *keys = tornadis_reply_get_element (push, 1);

  if (keys != NULL && g_strcmp0 (tornadis_reply_get_text (kind), "invalidate") == 0)
    prompt_messages_invalidate (keys);

  /* Others may want to know, too. */
  return FALSE;
}

static void
prompt_tracker_class_init (PromptTrackerClass *klass)
{
  klass->push = prompt_tracker_push;
}

static void
prompt_tracker_init (PromptTracker *self)
{
}

static void
watch (TornadisClient *client)
{
  if (tracked == client)
    return;

  prompt_tracking_clear ();
  tracked = g_object_ref (client);
  tracker = g_object_new (prompt_tracker_get_type (), NULL);
  tornadis_client_add_plugin (client, tracker, NULL);
}

static Choice
get_choice (GPtrArray *words)
{
  if (!prompt_words_have (words, 0, "CLIENT") || !prompt_words_have (words, 1, "TRACKING"))
    return CHOICE_NONE;

  return prompt_words_have (words, 2, "ON") ? CHOICE_ON : prompt_words_have (words, 2, "OFF") ? CHOICE_OFF
                                                                                              : CHOICE_NONE;
}

static void
choose (TornadisClient *client,
        Choice choice)
{
  if (choice == CHOICE_ON)
    {
      watch (client);
      is_on = TRUE;
    }
  else if (choice == CHOICE_OFF)
    {
      prompt_tracking_clear ();
    }
}

/* A command is about to be called: what it brings may come before its reply is known here. */
void
prompt_tracking_prepare (TornadisClient *client,
                         GPtrArray *words)
{
  if (get_choice (words) == CHOICE_ON && !is_on)
    watch (client);
}

/* A command has its reply, or none. */
void
prompt_tracking_follow (TornadisClient *client,
                        GPtrArray *words,
                        TornadisReply *reply)
{
  const char *status = reply != NULL ? tornadis_reply_get_text (reply) : NULL;
  Choice choice = get_choice (words);

  if (choice != CHOICE_NONE && g_strcmp0 (status, "QUEUED") == 0)
    {
      queued = choice;
    }
  else if (choice != CHOICE_NONE && reply != NULL)
    {
      choose (client, choice);
    }
  else if (prompt_words_have (words, 0, "EXEC") || prompt_words_have (words, 0, "DISCARD"))
    {
      choice = queued;
      queued = CHOICE_NONE;
      /* Nil is a transaction that did not run. */
      if (reply != NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_ARRAY)
        choose (client, choice);
    }

  if (!is_on && queued == CHOICE_NONE)
    prompt_tracking_clear ();
}

gboolean
prompt_tracking_is_on (void)
{
  return is_on;
}

/* There is another connection. */
void
prompt_tracking_clear (void)
{
  if (tracked != NULL)
    tornadis_client_remove_plugin (tracked, tracker);
  g_clear_object (&tracked);
  g_clear_object (&tracker);
  is_on = FALSE;
  queued = CHOICE_NONE;
}
