/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "common/command-table.h"

G_BEGIN_DECLS

/* The connections of the clients that a plugin is on, and on which of them the server announces changed keys. What the
 * program's commands do to a connection its client knows. */
typedef struct _CacheTracking CacheTracking;
typedef struct _CacheLink CacheLink;

typedef struct
{
  /* Changes may have been missed, or other replies are expected: nothing that is kept is valid any more. */
  void (*flush)   (gpointer    user_data);
  /* The connection is lost or closed, and with it what was queued in a transaction. */
  void (*lost)    (CacheLink  *link,
                   gpointer    user_data);
  /* Why replies are not kept; NULL: they are. */
  void (*problem) (const char *problem,
                   gpointer    user_data);
} CacheTrackingFuncs;

/* A client, its connection and what is known of it. */
struct _CacheLink
{
  CacheTracking *tracking; /* (unowned) (nullable) NULL when the client is disposed or detached */
  TornadisClient *client;  /* (unowned) */
  struct _CacheRedirectUse *redirect; /* (unowned) (nullable) */
  GPtrArray *queued;       /* (owned) of the plugin: writes that wait for EXEC */
  char *title;             /* (owned) (nullable) of the connection that is up, or is being made */
  guint64 generation;      /* the number of the connection, among those of all links */
  guint64 asked;           /* the number of the request for tracking that counts, or 0 */
  guint64 bytes_read;      /* when it was last looked at */
  guint space;             /* the same for all connections with the same server, database, user and protocol; or 0 */
  gboolean on : 1;         /* the server announces changed keys */
  gboolean tainted : 1;    /* what the server tracks is not known */
  gboolean knows_space : 1; /* @space is not that of before a SELECT or an AUTH */
  gboolean unnamed : 1;    /* a user without a name may be one whose name is no text, and not the default one */
  gboolean pinged : 1;     /* and not answered yet */
  gboolean put_off : 1;    /* tracking is to be asked for when the transaction is over */
};

/* @plugin, @table and @user_data (unowned). */
CacheTracking *cache_tracking_new         (TornadisPlugin           *plugin,
                                           CommandTable             *table,
                                           const CacheTrackingFuncs *funcs,
                                           gpointer                  user_data);
void           cache_tracking_free        (CacheTracking            *self);
void           cache_tracking_attach      (CacheTracking            *self,
                                           TornadisClient           *client);
void           cache_tracking_detach      (CacheTracking            *self,
                                           TornadisClient           *client);
/* How often a PING is sent on a silent connection, in milliseconds; 0: never. */
void           cache_tracking_set_interval (CacheTracking           *self,
                                            guint                    msec);
/* (nullable): NULL for a client that has none. */
CacheLink     *cache_tracking_lookup      (CacheTracking            *self,
                                           TornadisClient           *client);
/* On how many connections the server announces changed keys. */
guint          cache_tracking_get_n_on    (CacheTracking            *self);

/* The link is a GRcBox. */
void           cache_link_unref           (gpointer                  link);
/* Whether a reply may come from what is kept, and be kept. */
gboolean       cache_link_is_usable       (CacheLink                *self);
/* The space of a link that is usable. What is kept is dropped when it is another one than before. */
guint          cache_link_get_space       (CacheLink                *self);
/* A call has failed: a loss is noticed before the client emits its signals. */
void           cache_link_check           (CacheLink                *self);
/* The program has turned tracking off, or on in another way. */
void           cache_link_taint           (CacheLink                *self);
/* A transaction may be over. */
void           cache_link_catch_up        (CacheLink                *self);

G_END_DECLS
