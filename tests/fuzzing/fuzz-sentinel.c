/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "sentinel/sentinel-monitor-private.h"
#include "sentinel/sentinel-view.h"
#include "tests/fuzzing/fuzz.h"
#include "tornadis-glib/values/tornadis-message-private.h"
#include "tornadis-glib/wire/tornadis-reader.h"

#define NAME "mymaster"
/* As many as sentinel_view_make_pipeline() asks. */
#define N_QUESTIONS 4
/* What a view keeps at most. */
#define MAX_REPLICAS 1000
#define MAX_SENTINELS 32

void tornadis_sentinel_plugin_register (void);

static void
check_address (GNetworkAddress *address)
{
  const char *host = g_network_address_get_hostname (address);

  g_assert_cmpuint (strlen (host), >, 0);
  g_assert_cmpuint (strlen (host), <, 256);
  g_assert_true (g_utf8_validate (host, -1, NULL));
  g_assert_null (strpbrk (host, " \t\r\n"));
  g_assert_cmpuint (g_network_address_get_port (address), >, 0);
}

static void
check_servers (const SentinelView *view,
               SentinelRole role,
               guint expected)
{
  g_autoptr (GPtrArray) servers = sentinel_view_get_servers (view, role);
  guint n_replicas = role == SENTINEL_ROLE_MASTER ? 0 : view->replicas->len;

  g_assert_cmpuint (servers->len, ==, expected);
  if (role != SENTINEL_ROLE_REPLICA)
    g_assert_true (g_ptr_array_index (servers, n_replicas) == view->master);
  /* Each replica once. */
  for (guint i = 0; i < n_replicas; i++)
    {
      SentinelReplica *replica = g_ptr_array_index (view->replicas, i);

      g_assert_true (g_ptr_array_find (servers, replica->address, NULL));
    }
}

static void
check_view (TornadisReply *replies)
{
  g_autoptr (GNetworkAddress) sentinel = G_NETWORK_ADDRESS (g_network_address_new ("localhost", 26379));
  g_autoptr (GError) error = NULL;
  g_autoptr (SentinelView) view = sentinel_view_new (sentinel, NAME, replies, &error);

  fuzz_check_error (view != NULL, error, TORNADIS_ERROR);
  if (view == NULL)
    {
      g_assert_true (error->code == TORNADIS_ERROR_CONNECT || error->code == TORNADIS_ERROR_PROTOCOL);
      return;
    }

  g_assert_true (view->sentinel == sentinel);
  g_assert_cmpint (view->epoch, >=, SENTINEL_EPOCH_UNKNOWN);
  g_assert_cmpuint (view->replicas->len, <=, MAX_REPLICAS);
  g_assert_cmpuint (view->sentinels->len, <=, MAX_SENTINELS);
  check_address (view->master);
  for (guint i = 0; i < view->sentinels->len; i++)
    check_address (g_ptr_array_index (view->sentinels, i));
  for (guint i = 0; i < view->replicas->len; i++)
    {
      SentinelReplica *replica = g_ptr_array_index (view->replicas, i);

      check_address (replica->address);
      g_assert_cmpuint (replica->priority, >, 0);
    }
  check_servers (view, SENTINEL_ROLE_MASTER, 1);
  check_servers (view, SENTINEL_ROLE_REPLICA, view->replicas->len);
  check_servers (view, SENTINEL_ROLE_PREFER_REPLICA, view->replicas->len + 1);
}

/* What a server says to ROLE: one that is no master is refused, and whatever it says it is either that or not. */
static void
check_role (TornadisPlugin *plugin,
            TornadisClient *client,
            TornadisReply *replies)
{
  TornadisReply *role = tornadis_reply_get_element (replies, 0);
  const char *word = tornadis_reply_get_n_elements (role) > 0 ? tornadis_reply_get_text (tornadis_reply_get_element (role, 0)) : NULL;
  gboolean is_master = tornadis_reply_get_kind (role) == TORNADIS_REPLY_KIND_ARRAY && g_strcmp0 (word, "master") == 0;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (TORNADIS_PLUGIN_GET_CLASS (plugin)->setup_done (plugin, client, replies, &error), ==, is_master);
  fuzz_check_error (is_master, error, TORNADIS_ERROR);
  g_assert_true (error == NULL || error->code == TORNADIS_ERROR_CONNECT);
}

static void
switched_cb (const SentinelView *view,
             gpointer user_data)
{
  guint *n_switches = user_data;

  (*n_switches)++;
}

/* One that listens to a sentinel, of which the main loop never hears, and which waits for what it has asked already. */
static SentinelMonitor *
make_monitor (guint *n_switches)
{
  g_autoptr (GPtrArray) hosts = g_ptr_array_new_with_free_func (g_object_unref);
  SentinelMonitor *monitor;

  g_ptr_array_add (hosts, g_network_address_new ("127.0.0.1", 1));
  monitor = sentinel_monitor_new (NAME, hosts, switched_cb, n_switches);
  monitor->model = tornadis_client_new ("127.0.0.1", 1);
  monitor->round = g_ptr_array_new ();
  monitor->wanted = TRUE;
  sentinel_monitor_listen (monitor, g_ptr_array_index (monitor->sentinels, 0));

  return monitor;
}

/* A report of this name is looked into, and nothing of it is believed. */
static void
check_report (SentinelMonitor *monitor,
              TornadisReply *payload)
{
  static const char *const kind = "message";
  static const char *const channel = "+switch-master";
  Sentinel *sentinel = g_ptr_array_index (monitor->sentinels, 0);
  TornadisReply **elements = g_new (TornadisReply *, 3);
  g_autoptr (TornadisMessage) message = NULL;
  const char *text;

  elements[0] = tornadis_reply_new_data (TORNADIS_REPLY_KIND_STRING, kind, strlen (kind));
  elements[1] = tornadis_reply_new_data (TORNADIS_REPLY_KIND_STRING, channel, strlen (channel));
  elements[2] = tornadis_reply_ref (payload);
  message = tornadis_message_new (tornadis_reply_new_array (TORNADIS_REPLY_KIND_PUSH, elements, 3),
                                  TORNADIS_SUBSCRIPTION_KIND_CHANNEL, NULL);
  text = tornadis_message_get_text (message);

  monitor->again = FALSE;
  g_signal_emit_by_name (sentinel->listener, "message", message);
  g_assert_cmpint (monitor->again, ==, text != NULL && g_str_has_prefix (text, NAME " "));
  g_assert_cmpuint (monitor->sentinels->len, ==, 1);
  g_assert_null (monitor->master);
}

/* Up to four replies, and nil in the place of those that are missing. */
static TornadisReply *
read_replies (const guint8 *data,
              gsize size)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (size, 1024 * 1024);
  TornadisReply **replies = g_new (TornadisReply *, N_QUESTIONS);
  gsize room;
  guint8 *place = tornadis_reader_reserve (reader, &room);

  memcpy (place, data, size);
  tornadis_reader_commit (reader, size);
  for (guint i = 0; i < N_QUESTIONS; i++)
    {
      replies[i] = tornadis_reader_next (reader, NULL);
      if (replies[i] == NULL)
        replies[i] = tornadis_reply_alloc (TORNADIS_REPLY_KIND_NIL, 0);
    }

  return tornadis_reply_new_array (TORNADIS_REPLY_KIND_ARRAY, replies, N_QUESTIONS);
}

/* The bytes are the replies of a sentinel, the first of which is also that of a server to ROLE, and what a sentinel reports. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  static TornadisPlugin *plugin;
  static TornadisClient *client;
  static SentinelMonitor *monitor;
  static guint n_switches;
  g_autoptr (TornadisReply) replies = read_replies (data, size);

  if (plugin == NULL)
    {
      tornadis_sentinel_plugin_register ();
      plugin = tornadis_plugin_new_by_name ("sentinel", NULL);
      client = tornadis_client_new ("127.0.0.1", 1);
      monitor = make_monitor (&n_switches);
    }

  check_view (replies);
  check_role (plugin, client, replies);
  check_report (monitor, tornadis_reply_get_element (replies, 0));
  g_assert_cmpuint (n_switches, ==, 0);

  return 0;
}
