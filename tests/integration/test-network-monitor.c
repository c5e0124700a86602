/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor that GIO keeps for the whole process reports where it was first asked for. A program of its own: it is asked
 * for once. */

#include "integration/util.h"

/* A monitor that changes when it is told to, and like GIO's own ones reports in the context in which it was made. */
#define TEST_TYPE_MONITOR (test_monitor_get_type ())
G_DECLARE_FINAL_TYPE (TestMonitor, test_monitor, TEST, MONITOR, GObject)

struct _TestMonitor
{
  GObject parent_instance;
  GMainContext *context; /* (owned) */
};

enum
{
  PROP_AVAILABLE = 1,
  PROP_METERED,
  PROP_CONNECTIVITY,
};

static gboolean
test_monitor_initable_init (GInitable *initable,
                            GCancellable *cancellable,
                            GError **error)
{
  return TRUE;
}

static void
initable_iface_init (GInitableIface *iface)
{
  iface->init = test_monitor_initable_init;
}

static void
monitor_iface_init (GNetworkMonitorInterface *iface)
{
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestMonitor, test_monitor, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, initable_iface_init) G_IMPLEMENT_INTERFACE (G_TYPE_NETWORK_MONITOR, monitor_iface_init))

static void
test_monitor_get_property (GObject *object,
                           guint prop_id,
                           GValue *value,
                           GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_AVAILABLE:
      g_value_set_boolean (value, TRUE);
      break;
    case PROP_METERED:
      g_value_set_boolean (value, FALSE);
      break;
    case PROP_CONNECTIVITY:
      g_value_set_enum (value, G_NETWORK_CONNECTIVITY_FULL);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
test_monitor_finalize (GObject *object)
{
  g_main_context_unref (TEST_MONITOR (object)->context);
  G_OBJECT_CLASS (test_monitor_parent_class)->finalize (object);
}

static void
test_monitor_class_init (TestMonitorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = test_monitor_get_property;
  object_class->finalize = test_monitor_finalize;
  g_object_class_override_property (object_class, PROP_AVAILABLE, "network-available");
  g_object_class_override_property (object_class, PROP_METERED, "network-metered");
  g_object_class_override_property (object_class, PROP_CONNECTIVITY, "connectivity");
}

static void
test_monitor_init (TestMonitor *self)
{
  self->context = g_main_context_ref_thread_default ();
}

static gboolean
change_cb (gpointer monitor)
{
  g_signal_emit_by_name (monitor, "network-changed", TRUE);
  return G_SOURCE_REMOVE;
}

typedef struct
{
  int seen; /* atomic: the client waits, and for the network too */
} Worker;

static void
failed_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  *(gboolean *) user_data = TRUE;
}

/* Tries to connect to where nobody is, again and again. */
static gpointer
worker_thread (gpointer user_data)
{
  Worker *worker = user_data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  TornadisClient *client;

  g_main_context_push_thread_default (context);
  client = tornadis_client_new_for_unix_socket ("/nonexistent/socket");
  while (!g_atomic_int_get (&worker->seen))
    {
      gboolean failed = FALSE;

      tornadis_client_submit (client, ping, failed_cb, &failed, NULL);
      while (!failed)
        g_main_context_iteration (context, TRUE);
    }
  g_assert_finalize_object (client);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
changed_cb (GNetworkMonitor *monitor,
            gboolean available,
            gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
test_worker_first (void)
{
  Worker worker = { FALSE };
  GMainContext *context = g_main_context_default ();
  GThread *thread = g_thread_new ("worker", worker_thread, &worker);
  GNetworkMonitor *monitor = NULL;
  g_autoptr (GSource) source = g_idle_source_new ();
  guint changed, n_changes = 0;

  g_test_summary ("A worker's client that is the first to ask for it leaves it to the main thread, and hears of it");

  /* The handler is the worker's. That the monitor is there is known without asking for it here. */
  wait_until (g_type_class_peek (TEST_TYPE_MONITOR) != NULL);
  monitor = g_network_monitor_get_default ();
  g_assert_true (TEST_IS_MONITOR (monitor));
  changed = g_signal_lookup ("network-changed", G_TYPE_NETWORK_MONITOR);
  wait_until (g_signal_has_handler_pending (monitor, changed, 0, TRUE));
  g_atomic_int_set (&worker.seen, TRUE);
  g_thread_join (thread);
  g_assert_false (g_signal_has_handler_pending (monitor, changed, 0, TRUE));

  g_assert_true (TEST_MONITOR (monitor)->context == context);
  g_signal_connect (monitor, "network-changed", G_CALLBACK (changed_cb), &n_changes);
  g_source_set_callback (source, change_cb, monitor, NULL);
  g_source_attach (source, TEST_MONITOR (monitor)->context);
  wait_until (n_changes == 1);
  g_signal_handlers_disconnect_by_data (monitor, &n_changes);
}

int
main (int argc,
      char **argv)
{
  g_setenv ("GIO_USE_NETWORK_MONITOR", "test", TRUE);
  g_test_init (&argc, &argv, NULL);

  g_io_extension_point_register (G_NETWORK_MONITOR_EXTENSION_POINT_NAME);
  g_io_extension_point_implement (G_NETWORK_MONITOR_EXTENSION_POINT_NAME, TEST_TYPE_MONITOR, "test", 100);

  g_test_add_func ("/network-monitor/worker-first", test_worker_first);

  return g_test_run ();
}
