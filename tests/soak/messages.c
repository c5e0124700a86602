/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/messages.h"

#include <stdio.h>
#include <string.h>

#include "soak/value.h"

/* Messages name their channel, who published them and the how many-th of his they are: nobody gets one that was not published
 * there.
 *
 * With one server nobody gets one twice, and of those that were acknowledged nobody who has subscribed misses one unless he was
 * told, by the signal gap, and they come in their order. In a group of servers a message reaches each of them at another moment,
 * or never. */

#define N_PUBLISHERS 3
#define N_SUBSCRIBERS 5
#define N_CHANNELS 4
#define MAX_PADDING 100
/* Milliseconds. */
#define MAX_WAIT 10
/* A subscriber changes what it listens to after so many messages at most. */
#define MAX_SETTLED 60
/* Publishes to shard channels, the others to channels of the same names. */
#define SHARD_PUBLISHER 0

typedef struct
{
  guint8 channel;
  gboolean is_acknowledged : 1;
  gboolean is_unclear : 1;
  guint8 received; /* a bit for each subscriber */
} Publication;

typedef struct _Messages Messages;

typedef struct
{
  Messages *messages; /* (unowned) */
  guint number;
  GArray *publications; /* (owned) (element-type Publication) */
} Publisher;

/* What a subscriber has of a channel. */
typedef struct
{
  gboolean is_steady;        /* it has subscribed, and nobody has unsubscribed since */
  guint first[N_PUBLISHERS]; /* those from here on were published after that, and after the last gap */
  guint next[N_PUBLISHERS];  /* behind the last of them that has come */
  gboolean is_heard;         /* one of those that were published at the end has come */
} Stream;

typedef struct
{
  Messages *messages; /* (unowned) */
  guint number;
  TornadisPubSubClient *client; /* (owned) */
  TornadisSubscriptionKind listens;
  gboolean pops; /* what it has not popped yet when there is a gap comes behind that, so it can't know what it has missed */
  gboolean is_popping;
  gboolean is_changing;
  guint n_settled; /* messages until it changes something */
  guint changing;  /* which channel; N_CHANNELS for all */
  Stream streams[N_CHANNELS];
} Subscriber;

struct _Messages
{
  Run *run; /* (unowned) */
  gboolean is_strict;
  char *channels[N_CHANNELS]; /* (owned) */
  Publisher publishers[N_PUBLISHERS];
  Subscriber subscribers[N_SUBSCRIBERS];
  guint n_publishing;
  GCancellable *cancellable; /* (owned) of those who pop */
  gboolean is_ending;
  guint ending[N_PUBLISHERS]; /* those from here on were published at the end */
};

static void publisher_go_on (Publisher *self);
static void subscriber_subscribe (Subscriber *self);
static void subscriber_pop (Subscriber *self);

/* Publishing. */

static gboolean
publish_again_cb (gpointer user_data)
{
  Publisher *self = user_data;

  self->messages->n_publishing--;
  publisher_go_on (self);

  return G_SOURCE_REMOVE;
}

static void
published_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  Publisher *self = user_data;
  Messages *messages = self->messages;
  Run *run = messages->run;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);
  Publication *publication = &g_array_index (self->publications, Publication, self->publications->len - 1);

  run->n_pending--;
  /* What is published at the end goes on until it is heard, which alone is progress. */
  run->n_done += !messages->is_ending;
  if (error != NULL)
    {
      run_take_error (run, error);
      publication->is_unclear = TRUE;
    }
  else if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_INTEGER)
    publication->is_acknowledged = TRUE;
  else
    run_fail (run, "A published message has another reply than a number");

  if (error != NULL || messages->is_ending)
    g_timeout_add (1 + run_random (run, MAX_WAIT), publish_again_cb, self);
  else
    {
      messages->n_publishing--;
      publisher_go_on (self);
    }
}

static gboolean
all_are_heard (Messages *self)
{
  for (guint i = 0; i < N_SUBSCRIBERS; i++)
    for (guint channel = 0; channel < N_CHANNELS; channel++)
      if (!self->subscribers[i].streams[channel].is_heard)
        return FALSE;

  return TRUE;
}

static void
publisher_go_on (Publisher *self)
{
  Messages *messages = self->messages;
  Run *run = messages->run;
  const Publication publication = { (guint8) run_random (run, N_CHANNELS) };
  const char *channel = messages->channels[publication.channel];
  g_autofree char *name = g_strdup_printf ("p%u.%u", self->number, self->publications->len);
  g_autofree char *value = value_make (channel, name, run_random (run, MAX_PADDING));
  g_autoptr (TornadisCommand) command = NULL;

  if (messages->is_ending ? all_are_heard (messages) : !run_take (run))
    return;

  command = tornadis_command_new_strv (
    (const char *[]){ self->number == SHARD_PUBLISHER ? "SPUBLISH" : "PUBLISH", channel, value, NULL });
  g_array_append_val (self->publications, publication);
  tally_count (run->tally, "messages");
  messages->n_publishing++;
  run->n_pending++;
  tornadis_caller_call_async (run_pick_caller (run), command, NULL, published_cb, self);
}

/* Listening. */

/* From now on nothing is missing of what is published to the channel. */
static void
stream_begin (Stream *self,
              Messages *messages)
{
  self->is_steady = TRUE;
  for (guint i = 0; i < N_PUBLISHERS; i++)
    self->first[i] = self->next[i] = messages->publishers[i].publications->len;
}

static void
stream_check (Stream *self,
              Subscriber *subscriber,
              Publisher *publisher,
              guint number)
{
  Messages *messages = subscriber->messages;
  const Publication *publications = (const Publication *) (gpointer) publisher->publications->data;
  guint channel = publications[number].channel;
  guint *next = &self->next[publisher->number];

  if (number < *next && number >= self->first[publisher->number] && !publications[number].is_unclear)
    run_fail (messages->run, "Subscriber %u has message p%u.%u after a later one", subscriber->number, publisher->number, number);
  for (; *next < number; (*next)++)
    if (publications[*next].channel == channel && publications[*next].is_acknowledged &&
        (publications[*next].received & 1 << subscriber->number) == 0)
      run_fail (messages->run, "Subscriber %u of %s does not have message p%u.%u, but p%u.%u", subscriber->number,
                messages->channels[channel], publisher->number, *next, publisher->number, number);
  *next = MAX (*next, number + 1);
}

/* Lets it go, and takes it up again. */
static void
changed_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  Subscriber *self = user_data;

  /* The function that finishes all of this sort. */
  tornadis_pub_sub_client_unsubscribe_bytes_finish (self->client, result, NULL);
  self->messages->run->n_pending--;
  self->messages->run->n_done++;
  subscriber_subscribe (self);
}

static void
subscriber_change (Subscriber *self)
{
  Run *run = self->messages->run;
  g_autoptr (GBytes) name = NULL;

  self->is_changing = TRUE;
  self->changing = run_random (run, N_CHANNELS);
  self->streams[self->changing].is_steady = FALSE;
  self->n_settled = run_random (run, MAX_SETTLED);
  name = g_bytes_new_static (self->messages->channels[self->changing], strlen (self->messages->channels[self->changing]));
  tally_count (run->tally, "unsubscribed");
  run->n_pending++;
  tornadis_pub_sub_client_unsubscribe_bytes_async (self->client, self->listens, &name, 1, NULL, changed_cb, self);
}

static void
subscriber_receive (Subscriber *self,
                    TornadisMessage *message)
{
  Messages *messages = self->messages;
  Run *run = messages->run;
  const char *text = tornadis_message_get_text (message), *channel_name = tornadis_message_get_channel (message);
  g_autofree char *name = text != NULL ? value_parse (channel_name, text, strlen (text)) : NULL;
  guint publisher = G_MAXUINT, number = G_MAXUINT, channel = 0;
  Publication *publication;
  Stream *stream;

  if (name != NULL)
    sscanf (name, "p%u.%u", &publisher, &number);
  while (channel < N_CHANNELS && !g_str_equal (messages->channels[channel], channel_name))
    channel++;
  if (channel == N_CHANNELS || publisher >= N_PUBLISHERS || number >= messages->publishers[publisher].publications->len ||
      (publisher == SHARD_PUBLISHER) != tornadis_message_is_shard (message) ||
      tornadis_message_is_shard (message) != (self->listens == TORNADIS_SUBSCRIPTION_KIND_SHARD))
    run_fail (run, "Subscriber %u has, on channel %s, the message: %s", self->number, channel_name, text);

  publication = &g_array_index (messages->publishers[publisher].publications, Publication, number);
  stream = &self->streams[channel];
  if (publication->channel != channel)
    run_fail (run, "Subscriber %u has message %s of another channel on %s", self->number, name, channel_name);
  if (messages->is_strict && (publication->received & 1 << self->number) != 0)
    run_fail (run, "Subscriber %u has message %s twice", self->number, name);
  if (messages->is_strict && !self->pops && stream->is_steady)
    stream_check (stream, self, &messages->publishers[publisher], number);
  publication->received |= (guint8) (1 << self->number);
  tally_count (run->tally, "received");

  if (messages->is_ending && number >= messages->ending[publisher] && !stream->is_heard)
    {
      stream->is_heard = TRUE;
      run->n_done++;
    }
  if (self->n_settled > 0)
    self->n_settled--;
  else if (!self->is_changing && !messages->is_ending)
    subscriber_change (self);
}

static void
gap_cb (Subscriber *self)
{
  tally_count (self->messages->run->tally, "gaps");
  for (guint i = 0; i < N_CHANNELS; i++)
    if (self->streams[i].is_steady)
      stream_begin (&self->streams[i], self->messages);
}

static gboolean
subscribe_again_cb (gpointer user_data)
{
  subscriber_subscribe (user_data);

  return G_SOURCE_REMOVE;
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  Subscriber *self = user_data;
  Messages *messages = self->messages;
  Run *run = messages->run;
  g_autoptr (GError) error = NULL;

  run->n_pending--;
  run->n_done++;
  if (!tornadis_pub_sub_client_subscribe_bytes_finish (self->client, result, &error))
    {
      run_take_error (run, error);
      g_timeout_add (1 + run_random (run, MAX_WAIT), subscribe_again_cb, self);
      return;
    }

  for (guint i = 0; i < N_CHANNELS; i++)
    if (self->changing == N_CHANNELS || self->changing == i)
      stream_begin (&self->streams[i], messages);
  self->is_changing = FALSE;
  if (self->pops && !self->is_popping)
    {
      self->is_popping = TRUE;
      subscriber_pop (self);
    }
}

static void
subscriber_subscribe (Subscriber *self)
{
  Messages *messages = self->messages;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  for (guint i = 0; i < N_CHANNELS; i++)
    if (self->changing == N_CHANNELS || self->changing == i)
      g_ptr_array_add (names, g_bytes_new_static (messages->channels[i], strlen (messages->channels[i])));
  messages->run->n_pending++;
  tornadis_pub_sub_client_subscribe_bytes_async (self->client, self->listens, (GBytes **) names->pdata, names->len, NULL, subscribed_cb, self);
}

static void
popped_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Subscriber *self = user_data;
  Messages *messages = self->messages;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisMessage) message =
    tornadis_pub_sub_client_pop_message_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);

  if (message != NULL)
    subscriber_receive (self, message);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      self->is_popping = FALSE;
      return;
    }
  if (error != NULL)
    run_fail (messages->run, "Popping a message failed: %s", error->message);
  subscriber_pop (self);
}

static void
subscriber_pop (Subscriber *self)
{
  Messages *messages = self->messages;
  double timeout = run_random (messages->run, 2) == 0 ? -1 : run_random (messages->run, MAX_WAIT) / 1000.;

  tornadis_pub_sub_client_pop_message_async (self->client, timeout, messages->cancellable, popped_cb, self);
}

static void
subscriber_begin (Subscriber *self,
                  Messages *messages,
                  guint number)
{
  static const TornadisSubscriptionKind kinds[N_SUBSCRIBERS] = {
    TORNADIS_SUBSCRIPTION_KIND_CHANNEL,
    TORNADIS_SUBSCRIPTION_KIND_PATTERN,
    TORNADIS_SUBSCRIPTION_KIND_SHARD,
    TORNADIS_SUBSCRIPTION_KIND_CHANNEL,
    TORNADIS_SUBSCRIPTION_KIND_SHARD,
  };
  Run *run = messages->run;
  g_autoptr (GError) error = NULL;

  self->messages = messages;
  self->number = number;
  self->listens = kinds[number];
  self->pops = number >= 3;
  self->client = tornadis_pub_sub_client_new_like (run_pick_client (run), &error);
  if (self->client == NULL)
    run_fail (run, "%s", error->message);
  run_track (run, self->client);
  if (!self->pops)
    g_signal_connect_swapped (self->client, "message", G_CALLBACK (subscriber_receive), self);
  g_signal_connect_swapped (self->client, "gap", G_CALLBACK (gap_cb), self);
  self->is_changing = TRUE;
  self->changing = N_CHANNELS;
  subscriber_subscribe (self);
}

static gpointer
messages_begin (Run *run)
{
  Messages *self = g_new0 (Messages, 1);

  self->run = run;
  self->is_strict = run->site->server != NULL;
  self->cancellable = g_cancellable_new ();
  for (guint i = 0; i < N_CHANNELS; i++)
    self->channels[i] = g_strdup_printf ("%s:{%u}", run->prefix, i);
  for (guint i = 0; i < N_PUBLISHERS; i++)
    {
      self->publishers[i] = (Publisher){ self, i, g_array_new (FALSE, FALSE, sizeof (Publication)) };
      publisher_go_on (&self->publishers[i]);
    }
  for (guint i = 0; i < N_SUBSCRIBERS; i++)
    subscriber_begin (&self->subscribers[i], self, i);

  return self;
}

/* At the end everybody hears of what is published to all that he listens to. */
static gboolean
messages_end (gpointer data)
{
  Messages *self = data;

  for (guint i = 0; i < N_SUBSCRIBERS; i++)
    if (self->subscribers[i].is_changing)
      return FALSE;

  if (!self->is_ending)
    {
      if (self->n_publishing > 0)
        return FALSE;
      self->is_ending = TRUE;
      for (guint i = 0; i < N_PUBLISHERS; i++)
        self->ending[i] = self->publishers[i].publications->len;
      for (guint i = 0; i < N_PUBLISHERS; i++)
        publisher_go_on (&self->publishers[i]);
    }
  if (!all_are_heard (self) || self->n_publishing > 0)
    return FALSE;

  g_cancellable_cancel (self->cancellable);
  for (guint i = 0; i < N_SUBSCRIBERS; i++)
    if (self->subscribers[i].is_popping)
      return FALSE;

  return TRUE;
}

static void
messages_free (gpointer data)
{
  Messages *self = data;

  for (guint i = 0; i < N_SUBSCRIBERS; i++)
    {
      g_signal_handlers_disconnect_by_data (self->subscribers[i].client, &self->subscribers[i]);
      g_object_unref (self->subscribers[i].client);
    }
  for (guint i = 0; i < N_PUBLISHERS; i++)
    g_array_unref (self->publishers[i].publications);
  for (guint i = 0; i < N_CHANNELS; i++)
    g_free (self->channels[i]);
  g_object_unref (self->cancellable);
  g_free (self);
}

const Participant messages_participant = { messages_begin, messages_end, messages_free };
