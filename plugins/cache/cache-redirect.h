/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* A connection of its own that the server sends invalidations to, for clients that speak RESP2, on whose connections
 * they could not be distinguished from replies. The plugin is attached to it for the pushes. */
typedef struct _CacheRedirect CacheRedirect;

typedef struct
{
  /* It is up; cache_redirect_get_id() is its number. */
  void (*ready) (CacheRedirect *self,
                 gpointer       user_data);
  /* It was lost, and is being made again. */
  void (*lost)  (CacheRedirect *self,
                 gpointer       user_data);
  /* It is of no use. */
  void (*failed) (CacheRedirect *self,
                  const char    *problem,
                  gpointer       user_data);
} CacheRedirectFuncs;

/* For the server of @client. @plugin and @user_data (unowned). */
CacheRedirect *cache_redirect_new    (TornadisClient           *client,
                                      TornadisPlugin           *plugin,
                                      const CacheRedirectFuncs *funcs,
                                      gpointer                  user_data);
/* Connects, and again after the connection was lost, unless it fails. */
void           cache_redirect_connect (CacheRedirect           *self);
/* @funcs are not called any more. */
void           cache_redirect_free   (CacheRedirect            *self);
/* 0: not up. */
gint64         cache_redirect_get_id (CacheRedirect            *self);

G_END_DECLS
