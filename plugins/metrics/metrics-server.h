/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <string.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/histogram.h"

G_BEGIN_DECLS

/* Calls of one command with one kind of outcome. */
typedef struct
{
  TornadisCommand *command; /* (owned) of this name alone */
  const char *name;         /* (unowned) of @command: that of a call, PIPELINE or MULTI */
  char *error_type;         /* (owned) (nullable) the server's prefix or the name of the error; NULL: it succeeded */
  guint64 usec;             /* all together */
  guint64 bytes_sent;
  guint64 bytes_received;
  Histogram times;
} MetricsSeries;

/* What other plugins count: see metrics-sources.h. */
#define METRICS_N_COUNTERS 4
extern const struct MetricsCounter
{
  const char *property;
  const char *family;
  const char *help;
} metrics_counters[METRICS_N_COUNTERS];

/* What was counted of one server. */
typedef struct
{
  char *title;            /* (owned) */
  char *host;             /* (owned) */
  guint port;             /* 0: @host is the path of a unix socket */
  int db;
  GHashTable *commands;   /* (owned) (element-type utf8 MetricsSeries) those that succeeded, by name */
  GHashTable *failures;   /* (owned) (element-type utf8 MetricsSeries) the others, by name and type of the error */
  const char *last_name;  /* (unowned) (nullable) of @last */
  MetricsSeries *last;    /* (unowned) (nullable) of @commands, of the last call that succeeded */
  GPtrArray *clients;     /* (owned) (element-type TornadisClient, unowned) that are attached */
  Histogram waits;
  guint64 wait_usec;
  guint64 n_connections;
  guint64 n_reconnections;
  guint64 n_losses;
  guint64 bytes_read;     /* by former clients, less what the present ones had read before they were added */
  guint64 bytes_written;  /* likewise */
  guint64 counters[METRICS_N_COUNTERS];
  gboolean has_counter[METRICS_N_COUNTERS]; /* there was a plugin that counts it */
} MetricsServer;

MetricsServer *metrics_server_new            (TornadisClient      *client);
void           metrics_server_free           (MetricsServer       *self);
/* Forgets what was counted. */
void           metrics_server_reset          (MetricsServer       *self);
void           metrics_server_add_client     (MetricsServer       *self,
                                              TornadisClient      *client);
void           metrics_server_remove_client  (MetricsServer       *self,
                                              TornadisClient      *client);
/* Whether the client has a connection of its own, and that is up. Else a plugin may stand for it, with connections of others. */
gboolean       metrics_client_has_connection (TornadisClient      *client);
/* Has no client, and has counted nothing. */
gboolean       metrics_server_is_unused      (MetricsServer       *self);
/* Where a call of this name with this outcome counts. */
MetricsSeries *metrics_server_find_series    (MetricsServer       *self,
                                              const char          *name,
                                              const GError        *error);
guint          metrics_server_get_in_flight  (const MetricsServer *self);
guint          metrics_server_get_connected  (const MetricsServer *self);
void           metrics_server_get_bytes      (const MetricsServer *self,
                                              guint64             *read,
                                              guint64             *written);
/* All series (element-type MetricsSeries, unowned), in order of name and error. */
GPtrArray     *metrics_server_list           (const MetricsServer *self);

/* The bytes of all strings in a reply. */
gsize          metrics_measure_elements      (TornadisReply       *reply);

/* What follows is for each call, and therefore short. */

/* Commands of one name most often have one pointer to it, which is no other name's while the series has a command of its
 * own: that is 27 instructions less than to compare the names. */
static inline MetricsSeries *
metrics_server_get_series (MetricsServer *self,
                           const char *name,
                           const GError *error)
{
  return G_LIKELY (error == NULL && self->last_name == name) ? self->last : metrics_server_find_series (self, name, error);
}

static inline void
metrics_series_add_time (MetricsSeries *self,
                         gint64 usec)
{
  histogram_add (&self->times, usec);
  self->usec += (guint64) usec;
}

static inline void
metrics_series_add_bytes (MetricsSeries *self,
                          gsize n_sent,
                          TornadisReply *reply)
{
  gsize n_received;

  self->bytes_sent += n_sent;
  if (reply != NULL)
    self->bytes_received += tornadis_reply_get_data (reply, &n_received) != NULL ? n_received : metrics_measure_elements (reply);
}

/* In metrics-export.c: @servers (element-type utf8 MetricsServer). */
GVariant      *metrics_export_variant        (GHashTable          *servers);
char          *metrics_export_prometheus     (GHashTable          *servers);

G_END_DECLS
