/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-wait.h"

#include "common/commands.h"

/* What is counted of a call while it waits, and belongs to it. */
typedef struct
{
  ClusterClient *client; /* (owned) */
  guint n_commands;
  gsize n_bytes;
} Wait;

static GQuark
wait_quark (void)
{
  static GQuark quark;

  if (G_UNLIKELY (quark == 0))
    quark = g_quark_from_static_string ("tornadis-cluster-wait");

  return quark;
}

static void
wait_free (gpointer data)
{
  Wait *self = data;

  self->client->n_waiting_commands -= self->n_commands;
  self->client->n_waiting_bytes -= self->n_bytes;
  g_rc_box_release (self->client);
  g_free (self);
}

gboolean
cluster_wait_add (ClusterClient *client,
                  TornadisCall *call,
                  guint n_commands,
                  gsize n_bytes,
                  GError **error)
{
  ClusterClient *whole = client->whole;
  Wait *self = g_object_get_qdata (G_OBJECT (call), wait_quark ());
  guint max_pending;
  guint64 max_bytes;

  /* With nothing else that waits, any is taken. */
  g_object_get (whole->client, "max-pending", &max_pending, "max-queued-bytes", &max_bytes, NULL);
  if (whole->n_waiting_commands > 0 &&
      (whole->n_waiting_commands + n_commands > max_pending || whole->n_waiting_bytes + n_bytes > max_bytes))
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "%s: too much waits for the cluster already",
                   tornadis_call_get_name (call));
      return FALSE;
    }

  if (self == NULL)
    {
      self = g_new (Wait, 1);
      *self = (Wait){ g_rc_box_acquire (whole), 0, 0 };
      g_object_set_qdata_full (G_OBJECT (call), wait_quark (), self, wait_free);
    }
  whole->n_waiting_commands += n_commands;
  whole->n_waiting_bytes += n_bytes;
  self->n_commands += n_commands;
  self->n_bytes += n_bytes;

  return TRUE;
}

gboolean
cluster_wait_begin (ClusterClient *client,
                    TornadisCall *call,
                    GError **error)
{
  guint n_commands = call_get_n_commands (call);
  gsize n_bytes = 0;

  if (g_object_get_qdata (G_OBJECT (call), wait_quark ()) != NULL)
    return TRUE;

  for (guint i = 0; i < n_commands; i++)
    n_bytes += tornadis_command_get_size (call_get_command (call, i));

  return cluster_wait_add (client, call, n_commands, n_bytes, error);
}

void
cluster_wait_take_back (TornadisCall *call,
                        guint n_commands,
                        gsize n_bytes)
{
  Wait *self = g_object_get_qdata (G_OBJECT (call), wait_quark ());

  if (self == NULL)
    return;

  self->client->n_waiting_commands -= n_commands;
  self->client->n_waiting_bytes -= n_bytes;
  self->n_commands -= n_commands;
  self->n_bytes -= n_bytes;
}

void
cluster_wait_end (TornadisCall *call)
{
  g_object_set_qdata (G_OBJECT (call), wait_quark (), NULL);
}
