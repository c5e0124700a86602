/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/data/tornadis-keyspace.h"
#include "tornadis-glib/values/tornadis-message.h"

G_BEGIN_DECLS

/* Of what kind a notification is. Each has a letter in the server's setting notify-keyspace-events. */
typedef enum
{
  TORNADIS_KEYSPACE_KEY,          /* K: a channel for each key */
  TORNADIS_KEYSPACE_EVENT,        /* E: a channel for each event */
  TORNADIS_KEYSPACE_SUBKEY,       /* S: a channel for each key, with the subkeys */
  TORNADIS_KEYSPACE_SUBKEY_EVENT, /* T: a channel for each event, with the subkeys */
} TornadisKeyspaceFamily;

/* tornadis-keyspace-message.c */

typedef struct
{
  GBytes *key;        /* (owned) */
  char *event;        /* (owned) with U+FFFD for what is not text */
  GPtrArray *subkeys; /* (owned) (nullable) (element-type GBytes) NULL: it is about the whole key */
} TornadisKeyspaceNotification;

/* Appends @text to a pattern in which it is this text alone. */
void tornadis_keyspace_append_literal (GString *pattern,
                                       const char *text,
                                       gsize length);

/* (transfer full): "__keyspace@0__:" for instance. */
char *tornadis_keyspace_dup_prefix (TornadisKeyspaceFamily family,
                                    int db);
/* FALSE: it is none of @db, or is not of that form. */
gboolean tornadis_keyspace_notification_parse (TornadisKeyspaceNotification *self,
                                               TornadisMessage *message,
                                               int db);
void tornadis_keyspace_notification_clear (TornadisKeyspaceNotification *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TornadisKeyspaceNotification, tornadis_keyspace_notification_clear)

/* tornadis-keyspace-setting.c */

/* What the setting is to have, and what it has. */
typedef struct
{
  gboolean by_key;   /* K or, if wanted, S will do */
  gboolean by_event; /* E or T will do; with both, whichever there is */
  gboolean by_event_first;
  gboolean subkeys;    /* is that wanted too */
  gboolean configure;  /* turn on what is missing */
  const char *classes; /* (nullable) the letters of these; NULL: any, or all if it is turned on */
} TornadisKeyspaceNeeds;

typedef struct
{
  gboolean is_checked; /* FALSE: the server does not tell */
  gboolean is_by_event;
  gboolean has_subkeys;
  gboolean was_off; /* it has been turned on */
} TornadisKeyspaceSetting;

/* Asks the server that @client is of, over a connection of its own. Fails with TORNADIS_ERROR_USAGE if notifications are off. */
void tornadis_keyspace_setting_check_async (TornadisClient *client,
                                            const TornadisKeyspaceNeeds *needs,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);
gboolean tornadis_keyspace_setting_check_finish (TornadisKeyspaceSetting *setting,
                                                 GAsyncResult *result,
                                                 GError **error);

struct _TornadisKeyspace
{
  GObject parent_instance;

  TornadisClient *client; /* (owned) (nullable) the model */
  GBytes *pattern;        /* (owned) (nullable) */
  char *event;            /* (owned) (nullable) */
  char *classes;          /* (owned) (nullable) */
  int db;                 /* or -1 */
  gboolean subkeys;
  gboolean configure;

  GMainContext *context;          /* (owned) */
  TornadisPubSubClient *listener; /* (owned) (nullable) while it is started */
  GCancellable *stopped;          /* (owned) (nullable) likewise, for what is done meanwhile */
  GSource *again;                 /* (owned) (nullable) looks at the setting another time */
  GSource *late;                  /* (owned) (nullable) while there is a gap that nobody was told of: tells of it */
  guint again_msec;
  TornadisKeyspaceSetting setting;
  int present_db; /* that is listened to */
  gboolean is_starting;
  gboolean active;
};

/* tornadis-keyspace-properties.c */

void tornadis_keyspace_install_properties (GObjectClass *object_class);

G_END_DECLS
