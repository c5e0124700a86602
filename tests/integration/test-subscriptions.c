/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether the server has the subscriptions that are wanted, and these alone, whatever became of the calls. */

#include "integration/util.h"

#include <string.h>

#define N_KINDS 3
#define N_NAMES 5
#define N_STEPS 400
#define MAX_CALLS 12
#define MAX_NAMES 4

/* What a name is in the model. */
typedef struct
{
  GBytes *bytes; /* (owned) */
  char *text;    /* (owned) as signals have it */
  guint ended;   /* serial of the last call that unsubscribed from it */
  gboolean wanted;
  gboolean added; /* by the signals */
} Name;

typedef struct _Model Model;

typedef struct
{
  Model *model; /* (unowned) (nullable) NULL: free */
  GCancellable *cancellable;
  Name *names[MAX_NAMES]; /* (unowned) */
  guint n_names;
  guint serial;
  gboolean subscribe;
} Call;

struct _Model
{
  TornadisHarnessRedis *redis;
  TornadisPubSubClient *client;
  TornadisClient *admin;
  Name names[N_KINDS][N_NAMES];
  Call calls[MAX_CALLS];
  guint n_pending;
  guint serial;
  guint depth; /* of handlers that do something */
};

static void model_step (Model *self);

/* In a callback or a handler: some steps, and perhaps a main loop in which the next connection comes up. */
static void
model_nest (Model *self)
{
  if (self->depth == 2 || g_test_rand_int_range (0, 6) > 0)
    return;

  self->depth++;
  for (int n = g_test_rand_int_range (0, 4); n > 0; n--)
    model_step (self);
  if (g_test_rand_int_range (0, 3) == 0)
    spin_for (5);
  self->depth--;
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Call *call = user_data;
  Model *self = g_steal_pointer (&call->model);
  g_autoptr (GError) error = NULL;
  gboolean ok = tornadis_pub_sub_client_subscribe_bytes_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);

  for (guint i = 0; ok && call->subscribe && i < call->n_names; i++)
    if (call->serial > call->names[i]->ended)
      call->names[i]->wanted = TRUE;
  self->n_pending--;
  model_nest (self);
}

static void
changed_cb (Model *self,
            const char *text,
            gboolean added)
{
  for (guint kind = 0; kind < N_KINDS; kind++)
    for (guint i = 0; i < N_NAMES; i++)
      if (g_str_equal (self->names[kind][i].text, text))
        {
          g_assert_true (self->names[kind][i].added != added);
          self->names[kind][i].added = added;
        }

  model_nest (self);
}

static void
added_cb (TornadisPubSubClient *client,
          const char *text,
          guint count,
          gpointer user_data)
{
  changed_cb (user_data, text, TRUE);
}

static void
removed_cb (TornadisPubSubClient *client,
            const char *text,
            guint count,
            gpointer user_data)
{
  changed_cb (user_data, text, FALSE);
}

static void
model_call (Model *self,
            gboolean subscribe)
{
  guint kind = (guint) g_test_rand_int_range (0, N_KINDS);
  GBytes *bytes[MAX_NAMES];
  Call *call = NULL;

  for (guint i = 0; call == NULL && i < MAX_CALLS; i++)
    if (self->calls[i].model == NULL)
      call = &self->calls[i];
  if (call == NULL)
    return;

  g_clear_object (&call->cancellable);
  call->model = self;
  call->subscribe = subscribe;
  call->cancellable = g_cancellable_new ();
  call->serial = ++self->serial;
  /* None: all that there are. */
  call->n_names = (guint) g_test_rand_int_range (subscribe ? 1 : 0, MAX_NAMES + 1);
  for (guint i = 0; i < call->n_names; i++)
    {
      call->names[i] = &self->names[kind][g_test_rand_int_range (0, N_NAMES)];
      bytes[i] = call->names[i]->bytes;
    }
  for (guint i = 0; !subscribe && i < N_NAMES; i++)
    {
      Name *name = &self->names[kind][i];
      gboolean named = call->n_names == 0;

      for (guint j = 0; j < call->n_names; j++)
        named |= call->names[j] == name;
      if (named)
        {
          name->wanted = FALSE;
          name->ended = call->serial;
        }
    }

  self->n_pending++;
  if (subscribe)
    tornadis_pub_sub_client_subscribe_bytes_async (self->client, kind, bytes, call->n_names, call->cancellable, called_cb, call);
  else
    tornadis_pub_sub_client_unsubscribe_bytes_async (self->client, kind, bytes, call->n_names, call->cancellable, called_cb,
                                                     call);
}

static void
model_step (Model *self)
{
  g_autoptr (TornadisCommand) kill = NULL;
  Call *call;

  switch (g_test_rand_int_range (0, 20))
    {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      model_call (self, TRUE);
      break;
    case 7:
    case 8:
    case 9:
    case 10:
      model_call (self, FALSE);
      break;
    case 11:
    case 12:
    case 13:
      call = &self->calls[g_test_rand_int_range (0, MAX_CALLS)];
      if (call->model != NULL)
        g_cancellable_cancel (call->cancellable);
      break;
    case 14:
      kill = tornadis_command_new ("CLIENT");
      tornadis_command_append_string (kill, "KILL");
      tornadis_command_append_string (kill, "TYPE");
      tornadis_command_append_string (kill, "pubsub");
      tornadis_client_submit (self->admin, kill, NULL, NULL, NULL);
      break;
    case 15:
      if (g_test_rand_int_range (0, 3) == 0)
        tornadis_client_close (TORNADIS_CLIENT (self->client));
      break;
    case 16:
      g_object_set (self->client, "max-pending", g_test_rand_int_range (1, 6), NULL);
      break;
    default:
      for (int n = g_test_rand_int_range (1, 4); n > 0; n--)
        g_main_context_iteration (NULL, FALSE);
    }
}

static gboolean
server_has (Model *self,
            guint kind,
            Name *name)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PUBSUB");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  tornadis_command_append_string (command, kind == TORNADIS_SUBSCRIPTION_KIND_SHARD ? "SHARDNUMSUB" : "NUMSUB");
  tornadis_command_append_bytes (command, name->bytes);
  tornadis_client_call_async (self->admin, command, NULL, store_result, &result);
  reply = tornadis_client_call_finish (self->admin, wait_for_result (&result), &error);
  g_assert_no_error (error);

  return tornadis_reply_get_integer (tornadis_reply_get_element (reply, 1)) > 0;
}

static gboolean
server_agrees (Model *self)
{
  g_autofree char *patterns = call_text (self->admin, "PUBSUB", "NUMPAT", NULL);
  g_autofree char *expected = NULL;
  guint n_patterns = 0;

  for (guint kind = 0; kind < N_KINDS; kind++)
    for (guint i = 0; i < N_NAMES; i++)
      {
        Name *name = &self->names[kind][i];

        if (kind == TORNADIS_SUBSCRIPTION_KIND_PATTERN)
          n_patterns += name->wanted;
        else if (server_has (self, kind, name) != name->wanted)
          return FALSE;
        if (name->added != name->wanted)
          return FALSE;
      }

  expected = g_strdup_printf ("(integer) %u", n_patterns);
  return g_str_equal (patterns, expected);
}

static void
model_settle (Model *self)
{
  gboolean subscribed, wanted = FALSE;

  self->depth = 2;
  wait_until (self->n_pending == 0);
  /* What was closed is restored by the next connection. It may be killed once more before that. */
  wait_until (connect_and_wait (TORNADIS_CLIENT (self->client), NULL) && server_agrees (self));
  self->depth = 0;

  for (guint kind = 0; kind < N_KINDS; kind++)
    for (guint i = 0; i < N_NAMES; i++)
      wanted |= self->names[kind][i].wanted;
  g_object_get (self->client, "subscribed", &subscribed, NULL);
  g_assert_true (subscribed == wanted);
}

static void
test_model (gconstpointer data)
{
  static const struct
  {
    const char *data;
    gsize length;
  } names[N_NAMES] = { { "", 0 }, { "a", 1 }, { "a\0b", 3 }, { "\xff\r\n", 3 }, { "ab", 2 } };
  g_autoptr (GError) error = NULL;
  const char *path;
  Model self = { 0 };

  self.redis = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  path = tornadis_harness_redis_get_socket_path (self.redis);
  self.admin = tornadis_client_new_for_unix_socket (path);
  self.client = tornadis_pub_sub_client_new_for_unix_socket (path);
  g_object_set (self.client, "protocol", GPOINTER_TO_INT (data), NULL);
  g_signal_connect (self.client, "subscription-added", G_CALLBACK (added_cb), &self);
  g_signal_connect (self.client, "subscription-removed", G_CALLBACK (removed_cb), &self);
  for (guint kind = 0; kind < N_KINDS; kind++)
    for (guint i = 0; i < N_NAMES; i++)
      {
        g_autoptr (GByteArray) array = g_byte_array_new ();
        Name *name = &self.names[kind][i];

        /* No two have the same text. */
        g_byte_array_append (array, (const guint8 *) names[i].data, (guint) names[i].length);
        if (names[i].length > 0 || kind > 0)
          g_byte_array_append (array, (const guint8 *) &"cps"[kind], 1);
        name->text = g_utf8_make_valid (array->len > 0 ? (const char *) array->data : "", (gssize) array->len);
        name->bytes = g_byte_array_free_to_bytes (g_steal_pointer (&array));
      }

  for (guint i = 1; i <= N_STEPS; i++)
    {
      model_step (&self);
      if (i % 40 == 0)
        model_settle (&self);
    }

  for (guint i = 0; i < MAX_CALLS; i++)
    g_clear_object (&self.calls[i].cancellable);
  for (guint kind = 0; kind < N_KINDS; kind++)
    for (guint i = 0; i < N_NAMES; i++)
      {
        g_bytes_unref (self.names[kind][i].bytes);
        g_free (self.names[kind][i].text);
      }
  assert_finalized (self.client);
  assert_finalized (self.admin);
  g_object_unref (self.redis);
}

/* What no server sends: each comes before the right confirmation, and is dropped or ends the connection. */
static const char *const hostile[] = {
  "3\\r\\n+subscribe\\r\\n+other\\r\\n:1\\r\\n",
  "3\\r\\n+subscribe\\r\\n$-1\\r\\n:1\\r\\n",
  "3\\r\\n+subscribe\\r\\n*1\\r\\n+a\\r\\n:1\\r\\n",
  "3\\r\\n+subscribe\\r\\n:1\\r\\n*0\\r\\n",
  "3\\r\\n+unsubscribe\\r\\n+a\\r\\n*1\\r\\n*0\\r\\n",
  "3\\r\\n+unsubscribe\\r\\n$-1\\r\\n:0\\r\\n",
  "3\\r\\n+psubscribe\\r\\n+a\\r\\n:-5\\r\\n",
  "3\\r\\n*1\\r\\n+subscribe\\r\\n+a\\r\\n:1\\r\\n",
  "3\\r\\n$-1\\r\\n+a\\r\\n:1\\r\\n",
  "4\\r\\n+subscribe\\r\\n+other\\r\\n:1\\r\\n:2\\r\\n",
  "4\\r\\n+pmessage\\r\\n*-1\\r\\n*1\\r\\n:1\\r\\n+x\\r\\n",
  "3\\r\\n+message\\r\\n*1\\r\\n+a\\r\\n*2\\r\\n:1\\r\\n*-1\\r\\n",
  "3\\r\\n+pmessage\\r\\n+a\\r\\n+x\\r\\n",
  "2\\r\\n+invalidate\\r\\n:1\\r\\n",
  "3\\r\\n+nonsense\\r\\n+a\\r\\n:1\\r\\n",
  "3\\r\\n+subscribe\\r\\n+a\\r\\n:99999999999999\\r\\n",
  "1\\r\\n+subscribe\\r\\n",
  "0\\r\\n",
};

static void
test_hostile (gconstpointer data)
{
  gboolean resp3 = GPOINTER_TO_INT (data) == TORNADIS_PROTOCOL_RESP3;

  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      const char *sign = resp3 ? ">" : "*";
      g_autofree char *script = g_strdup_printf (
        "%s\nexpect SUBSCRIBE\nsend \"%s%s\"\nsend \"%s3\\r\\n+subscribe\\r\\n+a\\r\\n:1\\r\\n\"\n"
        "send \"%s%s\"\n",
        resp3 ? "handshake3" : "handshake", sign, hostile[i], sign, sign, hostile[i]);
      g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
      TornadisPubSubClient *client = tornadis_pub_sub_client_new ("127.0.0.1", tornadis_harness_peer_get_port (peer));
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      g_object_set (client, "protocol", GPOINTER_TO_INT (data), NULL);
      tornadis_pub_sub_client_subscribe_async (client, (const char *const[]){ "a", NULL }, NULL, store_result, &result);
      if (!tornadis_pub_sub_client_subscribe_finish (client, wait_for_result (&result), &error))
        g_assert_true (error->domain == TORNADIS_ERROR);
      tornadis_client_close (TORNADIS_CLIENT (client));
      g_clear_object (&result);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      assert_finalized (client);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/subscriptions/hostile/resp2", GINT_TO_POINTER (TORNADIS_PROTOCOL_RESP2), test_hostile);
  g_test_add_data_func ("/subscriptions/hostile/resp3", GINT_TO_POINTER (TORNADIS_PROTOCOL_RESP3), test_hostile);
  g_test_add_data_func ("/subscriptions/model/resp2", GINT_TO_POINTER (TORNADIS_PROTOCOL_RESP2), test_model);
  g_test_add_data_func ("/subscriptions/model/resp3", GINT_TO_POINTER (TORNADIS_PROTOCOL_RESP3), test_model);

  return g_test_run ();
}
