/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-function-library.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisFunctionLibrary:
 *
 * A library of functions in Lua that the server keeps, in the version that the program has.
 *
 * Servers have had them since Redis 7.0. Unlike a [class@Tornadis.Script] they stay there, and are replicated: so they may be
 * missing, or of an older version of the program. [method@Tornadis.FunctionLibrary.ensure_async] loads what is missing and
 * replaces what is older.
 *
 * ```c
 * static void
 * taken_cb (GObject *object, GAsyncResult *result, gpointer user_data)
 * {
 *   g_autoptr (GError) error = NULL;
 *   g_autoptr (TornadisReply) reply =
 *     tornadis_function_library_call_finish (TORNADIS_FUNCTION_LIBRARY (object), result, &error);
 *
 *   if (reply != NULL)
 *     g_print ("%" G_GINT64_FORMAT " left\n", tornadis_reply_get_integer (reply));
 * }
 *
 * static void
 * take_two (TornadisClient *client)
 * {
 *   g_autoptr (TornadisFunctionLibrary) stock =
 *     tornadis_function_library_new ("#!lua name=stock\n"
 *                                    "redis.register_function('take', function(keys, args)\n"
 *                                    "  return redis.call('DECRBY', keys[1], args[1])\n"
 *                                    "end)",
 *                                    1);
 *   g_autoptr (TornadisCommand) command =
 *     tornadis_function_library_create_command (stock, "take", 1, (const char *[]){ "apples", "2", NULL });
 *
 *   tornadis_function_library_call_async (stock, TORNADIS_CALLER (client), command, NULL, taken_cb, NULL);
 * }
 * ```
 *
 * The version is a number that the program raises with each change of the code. It is kept at the server as a comment in the
 * last line of what is loaded, so that `FUNCTION LIST` with `WITHCODE` shows it. A library without one counts as version 0.
 *
 * A newer version than that of the program is left as it is, and used: while programs are updated one after the other all of
 * them work with the newest. So a new version has to go on serving the callers of the last one; functions that change their
 * meaning get a new name.
 *
 * When two programs load different versions at the same time the newer one remains: who has replaced a newer one puts it back,
 * which takes a round trip. In a cluster each master has libraries of its own: all are asked, and when one of them has an older
 * version the newest goes to all.
 *
 * A library may be used with any number of clients and pools of one thread.
 *
 * Since: 1.0
 */

#define VERSION_LINE "\n-- tornadis-version: "
#define NAME_CHARACTERS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_"
#define NOT_FOUND "ERR Function not found"
/* So often others may load, delete and replace it while we do, or we look whether they have. */
#define MAX_ROUNDS 16
/* Of the commands that replace it, of which the last two are FUNCTION LIST and FUNCTION LOAD. */
#define N_ATOMIC 2
#define N_IN_CLUSTER 3

struct _TornadisFunctionLibrary
{
  GObject parent_instance;

  char *code;   /* (owned) as it was given */
  char *loaded; /* (owned) with the version */
  char *name;   /* (owned) (nullable) NULL: the code does not say */
  guint64 version;
};

G_DEFINE_FINAL_TYPE (TornadisFunctionLibrary, tornadis_function_library, G_TYPE_OBJECT)

typedef enum
{
  PROP_CODE = 1,
  PROP_VERSION,
  PROP_NAME,
} TornadisFunctionLibraryProperty;

static GParamSpec *props[PROP_NAME + 1];

/* The data of the task of what ensures. */
typedef struct
{
  TornadisCaller *caller; /* (owned) */
  char *code;             /* (owned) what is to be there: ours, or a newer one that we have replaced */
  guint64 version;        /* of it */
  guint n_rounds;
  gboolean is_cluster; /* as far as is known */
} Ensure;

static void
ensure_free (gpointer data)
{
  Ensure *self = data;

  g_object_unref (self->caller);
  g_free (self->code);
  g_free (self);
}

/* The data of the task of a call. */
typedef struct
{
  TornadisCaller *caller;   /* (owned) */
  TornadisCommand *command; /* (owned) */
} Run;

static void
run_free (gpointer data)
{
  Run *self = data;

  g_object_unref (self->caller);
  tornadis_command_unref (self->command);
  g_free (self);
}

/* Of the first line, "#!lua name=NAME"; NULL when it has none, or one that servers refuse. Those take a name in quotation marks
 * too, which nobody writes. */
static char *
find_name (const char *code)
{
  gsize length = strcspn (code, "\n");
  g_autofree char *line = g_strstrip (g_strndup (code, length));
  g_auto (GStrv) words = g_strsplit_set (line, " \t", -1);

  if (words[0] == NULL || g_ascii_strcasecmp (words[0], "#!lua") != 0)
    return NULL;

  for (guint i = 1; words[i] != NULL; i++)
    {
      const char *name;

      if (!g_str_has_prefix (words[i], "name="))
        continue;

      name = words[i] + strlen ("name=");
      return *name != '\0' && name[strspn (name, NAME_CHARACTERS)] == '\0' ? g_strdup (name) : NULL;
    }

  return NULL;
}

static guint64
find_version (const char *code)
{
  const char *line = g_strrstr (code, VERSION_LINE);

  return line != NULL ? g_ascii_strtoull (line + strlen (VERSION_LINE), NULL, 10) : 0;
}

/* What a reply to FUNCTION LIST says of a library. */
typedef struct
{
  char *newest;    /* (owned) (nullable) its code in the newest version that is there; NULL: there is none */
  guint64 version; /* of that */
  guint64 oldest;  /* the oldest version: of a cluster the reply has the libraries of all masters */
} Found;

static void
found_clear (Found *self)
{
  g_free (self->newest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Found, found_clear)

/* (nullable) (transfer full) */
static char *
dup_text (TornadisReply *library,
          const char *what)
{
  TornadisReply *reply = tornadis_reply_lookup (library, what);
  gsize length;
  const guint8 *data = reply != NULL ? tornadis_reply_get_data (reply, &length) : NULL;

  return data != NULL ? g_strndup ((const char *) data, length) : NULL;
}

static gboolean
found_read (Found *self,
            TornadisReply *reply,
            const char *name,
            GError **error)
{
  TornadisReplyKind kind = tornadis_reply_get_kind (reply);
  gboolean is_list = kind == TORNADIS_REPLY_KIND_ARRAY || kind == TORNADIS_REPLY_KIND_SET;

  for (gsize i = 0; is_list && i < tornadis_reply_get_n_elements (reply); i++)
    {
      TornadisReply *library = tornadis_reply_get_element (reply, i);
      g_autofree char *its_name = dup_text (library, "library_name");
      g_autofree char *code = dup_text (library, "library_code");
      guint64 version;

      is_list = its_name != NULL && code != NULL;
      /* The server finds those too that have it in other letters, upper or lower. */
      if (!is_list || !g_str_equal (its_name, name))
        continue;

      version = find_version (code);
      self->oldest = self->newest != NULL ? MIN (self->oldest, version) : version;
      if (self->newest != NULL && version <= self->version)
        continue;
      g_free (self->newest);
      self->newest = g_steal_pointer (&code);
      self->version = version;
    }

  if (!is_list)
    g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "FUNCTION LIST: the reply has no code");

  return is_list;
}

static TornadisCommand *
library_create_list (TornadisFunctionLibrary *self)
{
  return tornadis_command_new_strv ((const char *[]){ "FUNCTION", "LIST", "LIBRARYNAME", self->name, "WITHCODE", NULL });
}

static TornadisCommand *
create_load (const char *code,
             gboolean replace)
{
  TornadisCommand *command = tornadis_command_new_strv ((const char *[]){ "FUNCTION", "LOAD", NULL });

  if (replace)
    tornadis_command_append_string (command, "REPLACE");
  tornadis_command_append_string (command, code);

  return command;
}

static void ensure_load (GTask *task);
static void ensure_look (GTask *task);

/* Whether there may be another round; else the task has failed. */
static gboolean
ensure_go_on (GTask *task)
{
  Ensure *ensure = g_task_get_task_data (task);

  if (++ensure->n_rounds <= MAX_ROUNDS)
    return TRUE;

  g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "FUNCTION LOAD: others load and delete it all the time");

  return FALSE;
}

static void ensure_replace (GTask *task);

/* That is to be there from now on: it is newer than what we have brought, or have replaced. */
static void
ensure_adopt (Ensure *self,
              Found *found)
{
  if (found->newest == NULL || found->version <= self->version)
    return;

  g_free (self->code);
  self->code = g_steal_pointer (&found->newest);
  self->version = found->version;
}

static void
replaced_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisFunctionLibrary *self = g_task_get_source_object (task);
  Ensure *ensure = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (TornadisReply) replies = tornadis_caller_call_pipeline_finish (TORNADIS_CALLER (object), result, &error);
  g_auto (Found) found = { NULL };
  guint n = ensure->is_cluster ? N_IN_CLUSTER : N_ATOMIC;

  if (!ensure->is_cluster && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE))
    {
      g_error_free (error);
      ensure->is_cluster = TRUE;
      ensure_replace (task);
      return;
    }

  if (replies != NULL && tornadis_reply_get_n_elements (replies) != n)
    error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "EXEC: the reply is none of %u commands", n);
  for (gsize i = 0; error == NULL && i < n; i++)
    error = tornadis_reply_dup_error (tornadis_reply_get_element (replies, i));

  if (error != NULL || !found_read (&found, tornadis_reply_get_element (replies, n - 2), self->name, &error))
    {
      g_task_return_error (task, error);
    }
  else if (found.newest != NULL && found.version > ensure->version)
    {
      if (!ensure_go_on (task))
        return;
      ensure_adopt (ensure, &found);
      ensure_replace (task);
    }
  else if (!ensure->is_cluster)
    {
      g_task_return_boolean (task, TRUE);
    }
  else if (ensure_go_on (task))
    {
      ensure_look (task);
    }
}

/* Both at once: so it is known what was replaced.
 *
 * A cluster has no transaction on several nodes, but what is written together nearly always runs together. Where nothing is under
 * way the first command is written by itself, so there is one in front. Who was in between even so has been told, or sees it
 * when it looks once more. */
static void
ensure_replace (GTask *task)
{
  TornadisFunctionLibrary *self = g_task_get_source_object (task);
  Ensure *ensure = g_task_get_task_data (task);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisCommand) list = library_create_list (self);
  g_autoptr (TornadisCommand) load = create_load (ensure->code, TRUE);

  tornadis_pipeline_set_atomic (pipeline, !ensure->is_cluster);
  if (ensure->is_cluster)
    tornadis_pipeline_stack_command (pipeline, list);
  tornadis_pipeline_stack_command (pipeline, list);
  tornadis_pipeline_stack_command (pipeline, load);
  tornadis_caller_call_pipeline_async (ensure->caller, pipeline, g_task_get_cancellable (task), replaced_cb, g_object_ref (task));
}

static void
listed_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisFunctionLibrary *self = g_task_get_source_object (task);
  Ensure *ensure = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);
  g_auto (Found) found = { NULL };

  if (reply == NULL || !found_read (&found, reply, self->name, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (found.newest == NULL)
    {
      if (ensure_go_on (task))
        ensure_load (task);
      return;
    }

  ensure_adopt (ensure, &found);
  if (found.oldest < ensure->version)
    ensure_replace (task);
  else
    g_task_return_boolean (task, TRUE);
}

static void
ensure_look (GTask *task)
{
  TornadisFunctionLibrary *self = g_task_get_source_object (task);
  const Ensure *ensure = g_task_get_task_data (task);
  g_autoptr (TornadisCommand) list = library_create_list (self);

  tornadis_caller_call_async (ensure->caller, list, g_task_get_cancellable (task), listed_cb, g_object_ref (task));
}

/* A cluster says so when one of its nodes has it; then all others have it too. */
static gboolean
is_there_already (TornadisFunctionLibrary *self,
                  const GError *error)
{
  g_autofree char *text = g_strdup_printf ("ERR Library '%s' already exists", self->name);

  return g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY) && g_str_has_prefix (error->message, text);
}

static void
loaded_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisFunctionLibrary *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  if (reply != NULL)
    {
      g_task_return_boolean (task, TRUE);
    }
  else if (is_there_already (self, error))
    {
      g_error_free (error);
      ensure_look (task);
    }
  else
    {
      g_task_return_error (task, error);
    }
}

static void
ensure_load (GTask *task)
{
  const Ensure *ensure = g_task_get_task_data (task);
  g_autoptr (TornadisCommand) load = create_load (ensure->code, FALSE);

  tornadis_caller_call_async (ensure->caller, load, g_task_get_cancellable (task), loaded_cb, g_object_ref (task));
}

/**
 * tornadis_function_library_new:
 * @code: the code, which begins with the line `#!lua name=NAME`
 * @version: its version
 *
 * Creates a library. Nothing is sent before it is used.
 *
 * Returns: (transfer full): a new library
 *
 * Since: 1.0
 */
TornadisFunctionLibrary *
tornadis_function_library_new (const char *code,
                               guint64 version)
{
  g_return_val_if_fail (code != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_FUNCTION_LIBRARY, "code", code, "version", version, NULL);
}

/**
 * tornadis_function_library_get_code: (get-property code)
 * @self: a library
 *
 * Gets the code.
 *
 * Returns: the code in Lua, as it was given
 *
 * Since: 1.0
 */
const char *
tornadis_function_library_get_code (TornadisFunctionLibrary *self)
{
  g_return_val_if_fail (TORNADIS_IS_FUNCTION_LIBRARY (self), NULL);

  return self->code;
}

/**
 * tornadis_function_library_get_version: (get-property version)
 * @self: a library
 *
 * Gets the version of the code.
 *
 * Returns: the version
 *
 * Since: 1.0
 */
guint64
tornadis_function_library_get_version (TornadisFunctionLibrary *self)
{
  g_return_val_if_fail (TORNADIS_IS_FUNCTION_LIBRARY (self), 0);

  return self->version;
}

/**
 * tornadis_function_library_get_name: (get-property name)
 * @self: a library
 *
 * Gets the name that the first line of the code gives it.
 *
 * Returns: (nullable): the name, or %NULL when it gives none
 *
 * Since: 1.0
 */
const char *
tornadis_function_library_get_name (TornadisFunctionLibrary *self)
{
  g_return_val_if_fail (TORNADIS_IS_FUNCTION_LIBRARY (self), NULL);

  return self->name;
}

static TornadisCommand *
create_call (const char *name,
             const char *function_name,
             guint n_keys,
             const char *const *arguments)
{
  TornadisCommand *command = tornadis_command_new (name);

  tornadis_command_append_string (command, function_name);
  tornadis_command_append_int64 (command, n_keys);
  for (gsize i = 0; arguments != NULL && arguments[i] != NULL; i++)
    tornadis_command_append_string (command, arguments[i]);

  return command;
}

/**
 * tornadis_function_library_create_command:
 * @self: a library
 * @function_name: the name of a function of the library
 * @n_keys: how many of the arguments, from the first, are keys
 * @arguments: (array zero-terminated=1) (nullable): the keys and then other arguments, as text
 *
 * Creates the command that calls a function, `FCALL`, for [method@Tornadis.FunctionLibrary.call_async]. More arguments may be
 * appended to it, of any bytes. A function must use no other keys: a cluster finds the node by them.
 *
 * Returns: (transfer full): a new command
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_function_library_create_command (TornadisFunctionLibrary *self,
                                          const char *function_name,
                                          guint n_keys,
                                          const char *const *arguments)
{
  g_return_val_if_fail (TORNADIS_IS_FUNCTION_LIBRARY (self), NULL);
  g_return_val_if_fail (function_name != NULL, NULL);

  return create_call ("FCALL", function_name, n_keys, arguments);
}

/**
 * tornadis_function_library_create_read_only_command:
 * @self: a library
 * @function_name: the name of a function of the library
 * @n_keys: how many of the arguments, from the first, are keys
 * @arguments: (array zero-terminated=1) (nullable): the keys and then other arguments, as text
 *
 * Creates the command that calls a function which only reads, `FCALL_RO`, and so may run on a replica: the server refuses one
 * that was not registered with the flag `no-writes`. Else it is as [method@Tornadis.FunctionLibrary.create_command].
 *
 * Returns: (transfer full): a new command
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_function_library_create_read_only_command (TornadisFunctionLibrary *self,
                                                    const char *function_name,
                                                    guint n_keys,
                                                    const char *const *arguments)
{
  g_return_val_if_fail (TORNADIS_IS_FUNCTION_LIBRARY (self), NULL);
  g_return_val_if_fail (function_name != NULL, NULL);

  return create_call ("FCALL_RO", function_name, n_keys, arguments);
}

/**
 * tornadis_function_library_ensure_async:
 * @self: a library
 * @caller: a client or a pool
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the library is there or that has failed
 * @user_data: passed to @callback
 *
 * Sees to it that the server has the library in this version or a newer one: it is loaded when it is missing, and replaced when
 * it is older. A program does that once, before it calls functions.
 *
 * Since: 1.0
 */
void
tornadis_function_library_ensure_async (TornadisFunctionLibrary *self,
                                        TornadisCaller *caller,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Ensure *ensure;

  g_return_if_fail (TORNADIS_IS_FUNCTION_LIBRARY (self));
  g_return_if_fail (TORNADIS_IS_CALLER (caller));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_function_library_ensure_async);
  if (self->name == NULL)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                               "the code of a library begins with the line \"#!lua name=NAME\"");
      return;
    }

  ensure = g_new0 (Ensure, 1);
  ensure->caller = g_object_ref (caller);
  ensure->code = g_strdup (self->loaded);
  ensure->version = self->version;
  g_task_set_task_data (task, ensure, ensure_free);
  ensure_load (task);
}

/**
 * tornadis_function_library_ensure_finish:
 * @self: a library
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what was started with [method@Tornadis.FunctionLibrary.ensure_async].
 *
 * Errors are those of [method@Tornadis.Client.call_finish]; %TORNADIS_ERROR_REPLY is also that the code has an error, or that
 * another library has a function of the same name. %TORNADIS_ERROR_USAGE is that the code does not begin with a name,
 * %TORNADIS_ERROR_BUSY that others have loaded or deleted it each time that it was tried.
 *
 * Returns: %TRUE when it is there, or %FALSE with an error
 *
 * Since: 1.0
 */
gboolean
tornadis_function_library_ensure_finish (TornadisFunctionLibrary *self,
                                         GAsyncResult *result,
                                         GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_FUNCTION_LIBRARY (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
called_again_cb (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  TornadisReply *reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  if (reply != NULL)
    g_task_return_pointer (task, reply, (GDestroyNotify) tornadis_reply_unref);
  else
    g_task_return_error (task, error);
}

static void
ensured_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Run *run = g_task_get_task_data (task);
  GError *error = NULL;

  if (tornadis_function_library_ensure_finish (TORNADIS_FUNCTION_LIBRARY (object), result, &error))
    tornadis_caller_call_async (run->caller, run->command, g_task_get_cancellable (task), called_again_cb, g_object_ref (task));
  else
    g_task_return_error (task, error);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  TornadisReply *reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  if (reply != NULL)
    {
      g_task_return_pointer (task, reply, (GDestroyNotify) tornadis_reply_unref);
    }
  else if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY) && g_str_equal (error->message, NOT_FOUND))
    {
      g_error_free (error);
      tornadis_function_library_ensure_async (g_task_get_source_object (task), run->caller, g_task_get_cancellable (task),
                                              ensured_cb, g_object_ref (task));
    }
  else
    {
      g_task_return_error (task, error);
    }
}

/**
 * tornadis_function_library_call_async:
 * @self: a library
 * @caller: a client or a pool
 * @command: a command of [method@Tornadis.FunctionLibrary.create_command] or
 *   [method@Tornadis.FunctionLibrary.create_read_only_command], which must not be changed any more
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the reply is there or the call has failed
 * @user_data: passed to @callback
 *
 * Calls a function. When the server does not have it, it does as [method@Tornadis.FunctionLibrary.ensure_async], and calls it
 * once more.
 *
 * A function that has run is not called again: its errors are the caller's. Only one that itself answers exactly
 * `ERR Function not found` cannot be told from one that is missing.
 *
 * Since: 1.0
 */
void
tornadis_function_library_call_async (TornadisFunctionLibrary *self,
                                      TornadisCaller *caller,
                                      TornadisCommand *command,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Run *run;

  g_return_if_fail (TORNADIS_IS_FUNCTION_LIBRARY (self));
  g_return_if_fail (TORNADIS_IS_CALLER (caller));
  g_return_if_fail (command != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_function_library_call_async);
  /* A reply that was read is the caller's, as of a client's call. */
  g_task_set_check_cancellable (task, FALSE);
  if (!g_str_equal (tornadis_command_get_name (command), "FCALL") &&
      !g_str_equal (tornadis_command_get_name (command), "FCALL_RO"))
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                               "%s calls no function: tornadis_function_library_create_command() makes a command that does",
                               tornadis_command_get_name (command));
      return;
    }

  run = g_new (Run, 1);
  *run = (Run){ g_object_ref (caller), tornadis_command_ref (command) };
  g_task_set_task_data (task, run, run_free);
  tornadis_caller_call_async (caller, command, cancellable, called_cb, g_object_ref (task));
}

/**
 * tornadis_function_library_call_finish:
 * @self: a library
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes a call started with [method@Tornadis.FunctionLibrary.call_async], and gets its reply. Errors are those of
 * [method@Tornadis.Client.call_finish], where what the function raises is %TORNADIS_ERROR_REPLY, and of
 * [method@Tornadis.FunctionLibrary.ensure_finish].
 *
 * Returns: (transfer full): the reply
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_function_library_call_finish (TornadisFunctionLibrary *self,
                                       GAsyncResult *result,
                                       GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_FUNCTION_LIBRARY (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
tornadis_function_library_get_property (GObject *object,
                                        guint prop_id,
                                        GValue *value,
                                        GParamSpec *pspec)
{
  TornadisFunctionLibrary *self = TORNADIS_FUNCTION_LIBRARY (object);

  switch ((TornadisFunctionLibraryProperty) prop_id)
    {
    case PROP_CODE:
      g_value_set_string (value, self->code);
      break;
    case PROP_VERSION:
      g_value_set_uint64 (value, self->version);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_function_library_set_property (GObject *object,
                                        guint prop_id,
                                        const GValue *value,
                                        GParamSpec *pspec)
{
  TornadisFunctionLibrary *self = TORNADIS_FUNCTION_LIBRARY (object);

  switch ((TornadisFunctionLibraryProperty) prop_id)
    {
    case PROP_CODE:
      self->code = g_value_dup_string (value);
      if (self->code == NULL)
        self->code = g_strdup ("");
      break;
    case PROP_VERSION:
      self->version = g_value_get_uint64 (value);
      break;
    case PROP_NAME:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_function_library_constructed (GObject *object)
{
  TornadisFunctionLibrary *self = TORNADIS_FUNCTION_LIBRARY (object);

  self->name = find_name (self->code);
  self->loaded = g_strdup_printf ("%s" VERSION_LINE "%" G_GUINT64_FORMAT, self->code, self->version);

  G_OBJECT_CLASS (tornadis_function_library_parent_class)->constructed (object);
}

static void
tornadis_function_library_finalize (GObject *object)
{
  TornadisFunctionLibrary *self = TORNADIS_FUNCTION_LIBRARY (object);

  g_free (self->code);
  g_free (self->loaded);
  g_free (self->name);

  G_OBJECT_CLASS (tornadis_function_library_parent_class)->finalize (object);
}

static void
tornadis_function_library_class_init (TornadisFunctionLibraryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tornadis_function_library_get_property;
  object_class->set_property = tornadis_function_library_set_property;
  object_class->constructed = tornadis_function_library_constructed;
  object_class->finalize = tornadis_function_library_finalize;

  /**
   * TornadisFunctionLibrary:code: (getter get_code)
   *
   * The code in Lua, which begins with the line `#!lua name=NAME`.
   *
   * Since: 1.0
   */
  props[PROP_CODE] =
    g_param_spec_string ("code", NULL, NULL, "",
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisFunctionLibrary:version: (getter get_version)
   *
   * The version of the code: a newer one has a larger number.
   *
   * Since: 1.0
   */
  props[PROP_VERSION] =
    g_param_spec_uint64 ("version", NULL, NULL, 0, G_MAXUINT64, 0,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisFunctionLibrary:name: (getter get_name)
   *
   * The name that the first line of the code gives it.
   *
   * Since: 1.0
   */
  props[PROP_NAME] =
    g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_function_library_init (TornadisFunctionLibrary *self)
{
}
