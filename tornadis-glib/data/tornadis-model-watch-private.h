/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What tells a live model, or a record, that something has changed: the keyspace notifications of the server, or where it has
 * none enabled the invalidations by which a client may keep a copy of what it has read (CLIENT TRACKING). */

#pragma once

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

/* What has happened to which key; that something has, if @event is %NULL, to one that need not match the pattern; or, with
 * both %NULL, that anything may have. */
typedef void (*TornadisModelWatchFunc) (GBytes *key,
                                        const char *event,
                                        gpointer user_data);

typedef struct _TornadisModelWatch TornadisModelWatch;

/* Of one @key, or of all that match it where @is_pattern. @classes are those of the setting `notify-keyspace-events` that
 * are needed to learn of everything. @may_track: by tracking too, which does not tell what has happened. @live_func is called
 * with %NULL when tornadis_model_watch_is_live() is another than before, and with a GError if that is not so for now. */
TornadisModelWatch *tornadis_model_watch_new (TornadisClient *client,
                                              GBytes *key,
                                              gboolean is_pattern,
                                              const char *classes,
                                              gboolean may_track,
                                              TornadisModelWatchFunc func,
                                              GFunc live_func,
                                              gpointer user_data);
/* No function is called after it. */
void tornadis_model_watch_free (TornadisModelWatch *self);
/* Whether it learns of every change. */
gboolean tornadis_model_watch_is_live (TornadisModelWatch *self);

G_END_DECLS
