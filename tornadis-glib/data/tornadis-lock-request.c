/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-lock-request-private.h"

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/data/tornadis-script.h"
#include "tornadis-glib/values/tornadis-command.h"

/* A script of all locks with the same caller. */
typedef struct
{
  const char *source;
  guint n_keys;
  const char *data_key; /* by which the caller has it */
} Procedure;

/* Whether it was free, and the fencing number, or in how many milliseconds at the latest it will be. The token that is there
 * may be ours, of an attempt whose reply was lost. */
static const Procedure acquire_procedures[] = {
  { "local token = redis.call('GET', KEYS[1]) "
    "if token and token ~= ARGV[1] then return {0, redis.call('PTTL', KEYS[1])} end "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) "
    "return {1, 0}",
    1, "tornadis-lock-acquire" },
  { "local token = redis.call('GET', KEYS[1]) "
    "if token and token ~= ARGV[1] then return {0, redis.call('PTTL', KEYS[1])} end "
    "local number = redis.call('INCR', KEYS[2]) "
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) "
    "return {1, number}",
    2, "tornadis-lock-acquire-fenced" },
};

static const Procedure renew_procedure = {
  "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
  "return redis.call('PEXPIRE', KEYS[1], ARGV[2])",
  1, "tornadis-lock-renew"
};

static const Procedure release_procedure = {
  "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
  "return redis.call('DEL', KEYS[1])",
  1, "tornadis-lock-release"
};

static const Procedure *
key_get_procedure (const TornadisLockKey *self,
                   TornadisLockRequest request)
{
  if (request == TORNADIS_LOCK_REQUEST_ACQUIRE)
    return &acquire_procedures[self->fencing_key != NULL];

  return request == TORNADIS_LOCK_REQUEST_RENEW ? &renew_procedure : &release_procedure;
}

static TornadisScript *
key_get_script (const TornadisLockKey *self,
                const Procedure *procedure)
{
  TornadisScript *script = g_object_get_data (G_OBJECT (self->caller), procedure->data_key);

  if (script == NULL)
    {
      script = tornadis_script_new (procedure->source, procedure->n_keys);
      g_object_set_data_full (G_OBJECT (self->caller), procedure->data_key, script, g_object_unref);
    }

  return script;
}

void
tornadis_lock_key_request (const TornadisLockKey *self,
                           TornadisLockRequest request,
                           const char *token,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  const Procedure *procedure = key_get_procedure (self, request);
  TornadisScript *script = key_get_script (self, procedure);
  g_autoptr (TornadisCommand) command = tornadis_script_create_command (script, (const char *[]){ self->name, NULL });

  if (procedure->n_keys > 1)
    tornadis_command_append_string (command, self->fencing_key);
  tornadis_command_append_string (command, token);
  if (request != TORNADIS_LOCK_REQUEST_RELEASE)
    tornadis_command_append_int64 (command, self->expiry_msec);
  tornadis_script_call_async (script, self->caller, command, cancellable, callback, user_data);
}

TornadisReply *
tornadis_lock_key_request_finish (GObject *object,
                                  GAsyncResult *result,
                                  GError **error)
{
  return tornadis_script_call_finish (TORNADIS_SCRIPT (object), result, error);
}
