/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tool knows of single commands: which have text for people as their reply, and which are not to be called in
 * this way, with what is there instead. */

#include "tool.h"

#include <string.h>

#include "common/verbatim.h"

static gboolean
argument_is (TornadisCommand *command,
             gsize i,
             const char *word)
{
  gsize length;
  const char *data = (const char *) tornadis_command_get_arg_data (command, i, &length);

  return data != NULL && length == strlen (word) && g_ascii_strncasecmp (data, word, length) == 0;
}

/* Whether it is the command, with that subcommand (nullable). */
gboolean
tool_command_is (TornadisCommand *command,
                 const char *name,
                 const char *subcommand)
{
  return argument_is (command, 0, name) && (subcommand == NULL || argument_is (command, 1, subcommand));
}

/* With RESP3 a server says itself which replies are text: these are they, for RESP2. */
static gboolean
command_has_text (TornadisCommand *command)
{
  static const struct
  {
    const char *name;
    const char *subcommand; /* (nullable) */
  } known[] = {
    { "INFO", NULL },
    { "LOLWUT", NULL },
    { "CLIENT", "INFO" },
    { "CLIENT", "LIST" },
    { "CLUSTER", "INFO" },
    { "CLUSTER", "NODES" },
    { "DEBUG", "CLIENT-EVICTION" },
    { "DEBUG", "HTSTATS" },
    { "DEBUG", "HTSTATS-KEY" },
    { "LATENCY", "DOCTOR" },
    { "LATENCY", "GRAPH" },
    { "MEMORY", "DOCTOR" },
    { "MEMORY", "MALLOC-STATS" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (tool_command_is (command, known[i].name, known[i].subcommand))
      return TRUE;

  return FALSE;
}

/* A reply as it is printed: a string that is text for people becomes VERBATIM, whose lines are lines; any other is as it is
 * (transfer full). */
TornadisReply *
tool_command_type_reply (TornadisCommand *command,
                         TornadisReply *reply)
{
  const char *data;
  gsize length;

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_STRING || !command_has_text (command))
    return tornadis_reply_ref (reply);

  data = (const char *) tornadis_reply_get_data (reply, &length);

  return verbatim_new (data, length);
}

#define IN_SUBSCRIBE "the messages of channels and patterns are printed by “tornadis subscribe”"
#define IN_PROMPT "shard channels are subscribed to at the prompt, which is “tornadis” without a subcommand"
#define NO_SUBSCRIPTION "there is no subscription; “tornadis subscribe” ends its own"
#define NO_REPLICA "that is what replicas say"

/* A command that is not called in some way, and what is there instead. */
typedef struct
{
  const char *name;
  const char *subcommand; /* (nullable) */
  const char *instead;
} Refusal;

static const Refusal refused[] = {
  { "SUBSCRIBE", NULL, IN_SUBSCRIBE },
  { "PSUBSCRIBE", NULL, IN_SUBSCRIBE },
  { "SSUBSCRIBE", NULL, IN_PROMPT },
  { "UNSUBSCRIBE", NULL, NO_SUBSCRIPTION },
  { "PUNSUBSCRIBE", NULL, NO_SUBSCRIPTION },
  { "SUNSUBSCRIBE", NULL, NO_SUBSCRIPTION },
  { "MONITOR", NULL, "what a server is asked is printed by “tornadis monitor”" },
  { "HELLO", NULL, "it is sent when the connection is made; --resp2, --resp3, --user and --askpass say how" },
  { "RESET", NULL, "there is nothing to reset: every “tornadis” makes a new connection" },
  { "CLIENT", "REPLY", "every reply is waited for; “tornadis pipe --quiet” prints none" },
  { "SCRIPT", "DEBUG", "scripts are not debugged here; “redis-cli --ldb” does that" },
  { "SYNC", NULL, NO_REPLICA },
  { "PSYNC", NULL, NO_REPLICA },
  { "REPLCONF", NULL, NO_REPLICA },
};

/* At the prompt and elsewhere. */
static const Refusal refused_on_cluster[] = {
  { "SELECT", NULL, "the database of a cluster is chosen at the start: “tornadis -c -n 1”" },
  { "AUTH", NULL, "the user of a cluster is chosen at the start: “tornadis -c --user NAME --askpass”" },
  { "READONLY", NULL, "the URI says who answers: redis-cluster://HOST:PORT?read-from=replica" },
  { "READWRITE", NULL, "the URI says who answers; commands that write go to masters by themselves" },
  { "CLIENT", "SETNAME", "the URI has the name, redis-cluster://HOST:PORT?client-name=NAME, or at the prompt “HELLO 3 SETNAME NAME”" },
  { "CLIENT", "CACHING", "the connections to the nodes are not for one command; “--plugin cache” keeps replies" },
  { "CLIENT", "TRACKING", "the connections to the nodes are not for one command; “--plugin cache” keeps replies" },
};

/* Returns what is said of the command (transfer full), or NULL if it is none of these. */
static char *
describe_refusal (TornadisCommand *command,
                  const Refusal *refusals,
                  guint n,
                  const char *infix)
{
  for (guint i = 0; i < n; i++)
    if (tool_command_is (command, refusals[i].name, refusals[i].subcommand))
      return g_strconcat (refusals[i].name, refusals[i].subcommand != NULL ? " " : "",
                          refusals[i].subcommand != NULL ? refusals[i].subcommand : "", infix, ": ", refusals[i].instead, NULL);

  return NULL;
}

/* Gives an error for what is not sent, with what is there instead. */
gboolean
tool_command_check (TornadisCommand *command,
                    GError **error)
{
  g_autofree char *text = describe_refusal (command, refused, G_N_ELEMENTS (refused), "");

  if (text != NULL)
    g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, text);
  return text == NULL;
}

/* What an error says (transfer full). That of a cluster names properties where there are options for the tool's user. */
char *
tool_command_describe_error (TornadisCommand *command,
                             const GError *error)
{
  char *text = NULL;

  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE))
    text = describe_refusal (command, refused_on_cluster, G_N_ELEMENTS (refused_on_cluster),
                             " cannot be called on a cluster");

  return text != NULL ? text : g_strdup (error->message);
}
