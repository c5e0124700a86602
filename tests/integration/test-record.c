/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <stdlib.h>
#include <string.h>

#define TEST_TYPE_LAMP (test_lamp_get_type ())
G_DECLARE_FINAL_TYPE (TestLamp, test_lamp, TEST, LAMP, TornadisRecord)

enum
{
  PROP_ON = 1,
  PROP_LEVEL,
  PROP_SIZE,
  PROP_RATIO,
  PROP_SCALE,
  PROP_LABEL,
  PROP_ORDER,
  PROP_DOUBTS,
  PROP_SINCE,
  PROP_PICTURE,
  PROP_EXTRA,
  PROP_WATTS,
  PROP_OWNER,
  N_PROPS,
};

/* Everything that a field may be, and two that are none. */
struct _TestLamp
{
  TornadisRecord parent_instance;
  GValue values[N_PROPS];
};

G_DEFINE_FINAL_TYPE (TestLamp, test_lamp, TORNADIS_TYPE_RECORD)

/* @expected may float. */
static void
assert_variant (GVariant *variant,
                GVariant *expected)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (expected);

  g_assert_cmpvariant (variant, owned);
}

static void
test_lamp_get_property (GObject *object,
                        guint prop_id,
                        GValue *value,
                        GParamSpec *pspec)
{
  g_value_copy (&TEST_LAMP (object)->values[prop_id], value);
}

static void
test_lamp_set_property (GObject *object,
                        guint prop_id,
                        const GValue *value,
                        GParamSpec *pspec)
{
  g_value_copy (value, &TEST_LAMP (object)->values[prop_id]);
}

static void
test_lamp_finalize (GObject *object)
{
  for (guint i = 1; i < N_PROPS; i++)
    g_value_unset (&TEST_LAMP (object)->values[i]);
  G_OBJECT_CLASS (test_lamp_parent_class)->finalize (object);
}

static void
test_lamp_class_init (TestLampClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  GParamSpec *props[N_PROPS] = {
    NULL,
    g_param_spec_boolean ("on", NULL, NULL, FALSE, flags),
    g_param_spec_int ("level", NULL, NULL, 0, 100, 5, flags),
    g_param_spec_uint64 ("size", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    g_param_spec_double ("ratio", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, 0, flags),
    g_param_spec_float ("scale", NULL, NULL, -G_MAXFLOAT, G_MAXFLOAT, 0, flags),
    g_param_spec_string ("label", NULL, NULL, NULL, flags),
    g_param_spec_enum ("order", NULL, NULL, G_TYPE_DATA_STREAM_BYTE_ORDER, G_DATA_STREAM_BYTE_ORDER_HOST_ENDIAN, flags),
    g_param_spec_flags ("doubts", NULL, NULL, G_TYPE_TLS_CERTIFICATE_FLAGS, 0, flags),
    g_param_spec_boxed ("since", NULL, NULL, G_TYPE_DATE_TIME, flags),
    g_param_spec_boxed ("picture", NULL, NULL, G_TYPE_BYTES, flags),
    g_param_spec_variant ("extra", NULL, NULL, G_VARIANT_TYPE ("(si)"), NULL, flags),
    g_param_spec_int ("watts", NULL, NULL, 0, 100, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS),
    g_param_spec_object ("owner", NULL, NULL, G_TYPE_OBJECT, flags),
  };

  object_class->get_property = test_lamp_get_property;
  object_class->set_property = test_lamp_set_property;
  object_class->finalize = test_lamp_finalize;
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
test_lamp_init (TestLamp *self)
{
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (self), NULL);

  for (guint i = 0; pspecs[i] != NULL; i++)
    if (pspecs[i]->owner_type == TEST_TYPE_LAMP)
      {
        GValue *value = &self->values[pspecs[i]->param_id];

        g_value_init (value, pspecs[i]->value_type);
        g_param_value_set_default (pspecs[i], value);
      }
}

/* What is told of a record, separated by spaces. */
static void
log_notify (GObject *object,
            GParamSpec *pspec,
            GString *log)
{
  if (pspec->owner_type == TEST_TYPE_LAMP)
    g_string_append_printf (log, "%s ", pspec->name);
}

static void
log_failed (TornadisRecord *record,
            GError *error,
            GString *log)
{
  g_autofree char *prefix = tornadis_error_dup_prefix (error);

  g_string_append_printf (log, "failed:%s ", prefix != NULL ? prefix : error->message);
}

static void
log_conflict (TornadisRecord *record,
              const char *name,
              GVariant *value,
              GString *log)
{
  g_autofree char *text = g_variant_print (value, FALSE);

  g_string_append_printf (log, "conflict:%s=%s ", name, text);
}

static void
log_invalid (TornadisRecord *record,
             const char *name,
             GBytes *text,
             GString *log)
{
  g_string_append_printf (log, "invalid:%s=%.*s ", name, (int) g_bytes_get_size (text), (const char *) g_bytes_get_data (text, NULL));
}

static void
log_field (TornadisRecord *record,
           const char *name,
           GString *log)
{
  g_string_append_printf (log, "field:%s ", name);
}

static GString *
make_log (gpointer record)
{
  GString *log = g_string_new (NULL);

  g_signal_connect (record, "notify", G_CALLBACK (log_notify), log);
  g_signal_connect (record, "write-failed", G_CALLBACK (log_failed), log);
  g_signal_connect (record, "conflict", G_CALLBACK (log_conflict), log);
  g_signal_connect (record, "invalid", G_CALLBACK (log_invalid), log);
  g_signal_connect (record, "field-changed", G_CALLBACK (log_field), log);

  return log;
}

static int
compare_words (gconstpointer one,
               gconstpointer other)
{
  return strcmp (*(const char *const *) one, *(const char *const *) other);
}

static char *
sort_words (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  qsort (words, g_strv_length (words), sizeof *words, compare_words);
  return g_strjoinv (" ", words);
}

/* In which order properties are told is GLib's choice. */
static void
assert_log (GString *log,
            const char *expected)
{
  g_autofree char *words = sort_words (log->str);
  g_autofree char *expected_words = sort_words (expected);

  g_assert_cmpstr (words, ==, expected_words);
  g_string_truncate (log, 0);
}

static const char *const notifying[] = { "--notify-keyspace-events", "Kghxe$", NULL };

static TornadisClient *
make_other (Fixture *fixture)
{
  return tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));
}

static gpointer
make_lamp (TornadisClient *client)
{
  return g_object_new (TEST_TYPE_LAMP, "key", "lamp", "client", client, NULL);
}

static gboolean
load (gpointer record,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_record_load_async (record, NULL, store_result, &result);
  return tornadis_record_load_finish (record, wait_for_result (&result), error);
}

static void
assert_loads (gpointer record)
{
  g_autoptr (GError) error = NULL;
  gboolean is_loaded = load (record, &error);

  g_assert_no_error (error);
  g_assert_true (is_loaded);
  g_assert_true (tornadis_record_get_loaded (record));
  g_assert_true (tornadis_record_get_live (record));
  g_assert_no_error (tornadis_record_get_error (record));
}

static gboolean
flush (gpointer record,
       GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_record_flush_async (record, NULL, store_result, &result);
  return tornadis_record_flush_finish (record, wait_for_result (&result), error);
}

static void
assert_flushes (gpointer record)
{
  g_autoptr (GError) error = NULL;
  gboolean is_flushed = flush (record, &error);

  g_assert_no_error (error);
  g_assert_true (is_flushed);
}

static int
get_int (gpointer object,
         const char *name)
{
  int value;

  g_object_get (object, name, &value, NULL);
  return value;
}

static char *
get_label (gpointer object)
{
  char *label;

  g_object_get (object, "label", &label, NULL);
  return label;
}

static gboolean
has_label (gpointer object,
           const char *expected)
{
  g_autofree char *label = get_label (object);

  return g_strcmp0 (label, expected) == 0;
}

static gboolean
has_level (TornadisClient *client,
           const char *expected)
{
  g_autoptr (TornadisReply) reply = call (client, NULL, "HGET", "lamp", "level", NULL);

  return reply != NULL && g_strcmp0 (tornadis_reply_get_text (reply), expected) == 0;
}

/* Writes it, and looks whether that has come. */
static gboolean
write_label (TornadisClient *client,
             gpointer lamp)
{
  g_autoptr (TornadisReply) reply = call (client, NULL, "HSET", "lamp", "label", "after", NULL);

  return reply != NULL && has_label (lamp, "after");
}

static void
test_transforms (Fixture *fixture,
                 gconstpointer data)
{
  gpointer one = make_lamp (fixture->client);
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer two = make_lamp (client);
  g_autoptr (GDateTime) since = g_date_time_new_utc (2026, 2, 3, 4, 5, 6.25);
  g_autoptr (GBytes) picture = g_bytes_new_static ("\0\xff", 2);
  g_autoptr (GDateTime) other_since = NULL;
  g_autoptr (GBytes) other_picture = NULL;
  g_autoptr (GVariant) extra = NULL;
  g_autofree char *label = NULL;
  guint64 size;
  double ratio;
  float scale;
  guint doubts;

  assert_loads (one);
  assert_loads (two);
  g_assert_false (tornadis_record_get_exists (one));
  g_assert_cmpint (get_int (one, "level"), ==, 5);

  g_object_set (one, "on", TRUE, "level", 77, "size", G_MAXUINT64, "ratio", 0.1, "scale", (double) 0.1f, "label", "Küche\n", "order",
                G_DATA_STREAM_BYTE_ORDER_LITTLE_ENDIAN, "doubts", G_TLS_CERTIFICATE_EXPIRED | G_TLS_CERTIFICATE_REVOKED, "since", since,
                "picture", picture, "extra", g_variant_new ("(si)", "x", -3), "owner", fixture->client, NULL);
  assert_flushes (one);
  assert_call (fixture->client,
               " 1) \"1\"\n 2) \"77\"\n 3) \"18446744073709551615\"\n 4) \"0.10000000000000001\"\n 5) \"0.1\"\n 6) \"K\\xc3\\xbcche\\n\"\n"
               " 7) \"little-endian\"\n 8) \"expired,revoked\"\n 9) \"2026-02-03T04:05:06.250000Z\"\n10) \"\\x00\\xff\"\n"
               "11) \"('x', -3)\"",
               "HMGET", "lamp", "on", "level", "size", "ratio", "scale", "label", "order", "doubts", "since", "picture", "extra", NULL);
  assert_call (fixture->client, "(integer) 11", "HLEN", "lamp", NULL);

  wait_until (get_int (two, "level") == 77);
  g_assert_true (tornadis_record_get_exists (two));
  g_object_get (two, "size", &size, "ratio", &ratio, "scale", &scale, "label", &label, "doubts", &doubts, "since", &other_since,
                "picture", &other_picture, "extra", &extra, NULL);
  g_assert_true (size == G_MAXUINT64 && ratio == 0.1 && scale == 0.1f);
  g_assert_cmpstr (label, ==, "Küche\n");
  g_assert_cmpint (get_int (two, "on"), ==, TRUE);
  g_assert_cmpint (get_int (two, "order"), ==, G_DATA_STREAM_BYTE_ORDER_LITTLE_ENDIAN);
  g_assert_cmpuint (doubts, ==, G_TLS_CERTIFICATE_EXPIRED | G_TLS_CERTIFICATE_REVOKED);
  g_assert_true (g_date_time_equal (since, other_since) && g_bytes_equal (picture, other_picture));
  assert_variant (extra, g_variant_new ("(si)", "x", -3));

  /* What is nothing is no field. */
  g_object_set (two, "label", NULL, "picture", NULL, "on", FALSE, NULL);
  assert_flushes (two);
  assert_call (fixture->client, "1) (nil)\n2) (nil)\n3) \"0\"", "HMGET", "lamp", "label", "picture", "on", NULL);
  wait_until (has_label (one, NULL));
  assert_finalized (one);
  assert_finalized (two);
}

/* Other spellings are the same value; what is none, or out of bounds, is told and changes nothing. */
static void
test_invalid (Fixture *fixture,
              gconstpointer data)
{
  gpointer lamp = make_lamp (fixture->client);
  g_autoptr (TornadisClient) client = make_other (fixture);
  GString *log = make_log (lamp);
  guint n_writes = count_calls (fixture->redis, "hset");

  assert_loads (lamp);
  assert_call (client, "(integer) 4", "HSET", "lamp", "level", "007", "on", "True", "order", "1", "label", "a", NULL);
  wait_until (has_label (lamp, "a"));
  g_assert_cmpint (get_int (lamp, "level"), ==, 7);
  g_assert_cmpint (get_int (lamp, "on"), ==, TRUE);
  g_assert_cmpint (get_int (lamp, "order"), ==, G_DATA_STREAM_BYTE_ORDER_LITTLE_ENDIAN);
  g_string_truncate (log, 0);

  assert_call (client, "(integer) 2", "HSET", "lamp", "level", "7", "label", "b", "ratio", "0x", "doubts", "none", NULL);
  wait_until (has_label (lamp, "b"));
  assert_log (log, "label invalid:ratio=0x invalid:doubts=none ");
  assert_call (client, "(integer) 1", "HSET", "lamp", "level", "101", "label", "c", "since", "yesterday", NULL);
  wait_until (has_label (lamp, "c"));
  assert_log (log, "label invalid:level=101 invalid:since=yesterday ");
  g_assert_cmpint (get_int (lamp, "level"), ==, 7);
  assert_call (client, "(integer) 0", "HSET", "lamp", "label", "\xff", "level", "8", NULL);
  wait_until (get_int (lamp, "level") == 8);
  assert_log (log, "level invalid:label=\xff ");
  g_assert_true (has_label (lamp, "c"));

  /* Nothing of that was written back. */
  assert_flushes (lamp);
  g_assert_cmpuint (count_calls (fixture->redis, "hset"), ==, n_writes + 4);
  assert_finalized (lamp);
  g_string_free (log, TRUE);
}

/* One HSET of what is set in a turn; one reading in each record; and no echo. */
static void
test_follow (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer one = make_lamp (fixture->client), two = make_lamp (client);
  GString *log_one, *log_two;
  guint n_reads, n_writes;

  assert_loads (one);
  assert_loads (two);
  log_one = make_log (one);
  log_two = make_log (two);
  n_reads = count_calls (fixture->redis, "hgetall");
  n_writes = count_calls (fixture->redis, "hset");

  for (int i = 1; i <= 10; i++)
    {
      g_object_set (one, "level", 50 + i, "label", "x", NULL);
      g_object_set (one, "level", i, NULL);
      g_string_truncate (log_one, 0);
      wait_until (get_int (two, "level") == i);
      wait_until (count_calls (fixture->redis, "hgetall") == n_reads + 2 * (guint) i);
      g_assert_cmpuint (count_calls (fixture->redis, "hset"), ==, n_writes + (guint) i);
      assert_log (log_two, i == 1 ? "level label " : "level ");
      assert_log (log_one, "");
    }

  /* What is set anew is no change. */
  g_object_set (one, "level", 10, NULL);
  assert_flushes (one);
  g_object_set (two, "on", TRUE, NULL);
  wait_until (get_int (one, "on"));
  g_assert_cmpuint (count_calls (fixture->redis, "hset"), ==, n_writes + 11);
  assert_log (log_one, "level on ");
  assert_finalized (one);
  assert_finalized (two);
  g_string_free (log_one, TRUE);
  g_string_free (log_two, TRUE);
}

/* A widget in each of two programs. */
static void
test_bindings (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer one = make_lamp (fixture->client), two = make_lamp (client);
  g_autoptr (GSimpleAction) action = g_simple_action_new ("one", NULL);
  g_autoptr (GSimpleAction) other = g_simple_action_new ("two", NULL);

  assert_call (client, "(integer) 2", "HSET", "lamp", "on", "1", "label", "text", NULL);
  assert_loads (one);
  assert_loads (two);
  g_object_bind_property (one, "on", action, "enabled", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  g_object_bind_property (two, "on", other, "enabled", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  g_assert_true (g_action_get_enabled (G_ACTION (action)));

  g_simple_action_set_enabled (action, FALSE);
  wait_until (!g_action_get_enabled (G_ACTION (other)));
  g_simple_action_set_enabled (other, TRUE);
  wait_until (g_action_get_enabled (G_ACTION (action)));
  g_assert_cmpuint (count_calls (fixture->redis, "hset"), ==, 3);
  assert_finalized (one);
  assert_finalized (two);
}

static void
replied_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  g_assert_no_error (error);
}

/* Behind the write of the record, and before it reads. */
static gboolean
interfere_cb (gpointer user_data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "HSET", "lamp", "level", "9", NULL });

  tornadis_client_submit (user_data, command, replied_cb, NULL, NULL);
  return G_SOURCE_REMOVE;
}

static void
test_conflict (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (GBytes) picture = g_bytes_new_static ("x", 1);
  guint n_reads;
  gpointer lamp = make_lamp (fixture->client);
  GString *log;

  assert_loads (lamp);
  log = make_log (lamp);
  g_object_set (lamp, "level", 3, "label", "mine", NULL);
  g_idle_add_full (G_PRIORITY_DEFAULT, interfere_cb, fixture->client, NULL);
  wait_until (get_int (lamp, "level") == 9);
  assert_log (log, "level label level conflict:level=3 ");
  g_assert_true (has_label (lamp, "mine"));

  /* What comes later is none. */
  assert_call (fixture->client, "(integer) 0", "HSET", "lamp", "label", "theirs", NULL);
  wait_until (has_label (lamp, "theirs"));
  assert_log (log, "label ");

  /* Nor if the server had nothing to tell of what was written. */
  n_reads = count_calls (fixture->redis, "hgetall");
  g_object_set (lamp, "picture", picture, NULL);
  g_object_set (lamp, "picture", NULL, NULL);
  assert_flushes (lamp);
  wait_until (count_calls (fixture->redis, "hgetall") > n_reads);
  assert_log (log, "picture picture ");
  assert_call (fixture->client, "(integer) 1", "HSET", "lamp", "picture", "x", NULL);
  wait_until (log->len > 0);
  assert_log (log, "picture ");
  assert_finalized (lamp);
  g_string_free (log, TRUE);
}

/* What is set while another value is being written goes out after it, and is not undone by what is read in between. */
static void
test_newer (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer lamp = make_lamp (fixture->client);
  GString *log;

  assert_loads (lamp);
  log = make_log (lamp);
  for (int i = 1; i <= 50; i++)
    {
      g_object_set (lamp, "level", i, NULL);
      g_main_context_iteration (NULL, FALSE);
      g_assert_cmpint (get_int (lamp, "level"), ==, i);
      if (i % 10 == 0)
        g_free (call_text (client, "HSET", "lamp", "label", i % 20 == 0 ? "a" : "b", NULL));
      g_assert_cmpint (get_int (lamp, "level"), ==, i);
    }
  assert_flushes (lamp);
  assert_call (client, "\"50\"", "HGET", "lamp", "level", NULL);
  g_assert_cmpint (get_int (lamp, "level"), ==, 50);
  g_assert_null (strstr (log->str, "conflict"));
  wait_until (has_label (lamp, "b"));
  g_assert_cmpuint (count_calls (fixture->redis, "hset"), <=, 55);
  assert_finalized (lamp);
  g_string_free (log, TRUE);
}

static void
test_refused (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  g_autoptr (GError) error = NULL;
  gpointer lamp = NULL;
  GString *log;

  assert_call (client, "(integer) 1", "HSET", "lamp", "level", "4", NULL);
  assert_call (client, "OK", "ACL", "SETUSER", "reader", "on", "nopass", "allkeys", "allchannels", "+@all", "-hset", NULL);
  g_object_set (fixture->client, "username", "reader", "password", "x", NULL);
  lamp = make_lamp (fixture->client);
  assert_loads (lamp);
  log = make_log (lamp);
  g_object_set (lamp, "level", 8, NULL);
  g_assert_false (flush (lamp, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  wait_until (get_int (lamp, "level") == 4);
  assert_log (log, "level failed:NOPERM level ");
  g_clear_error (&error);

  /* It is no hash any more: nothing can be read either, until it is one again. */
  assert_call (client, "OK", "ACL", "SETUSER", "reader", "+@all", NULL);
  assert_call (client, "OK", "SET", "lamp", "text", NULL);
  wait_until (tornadis_record_get_error (lamp) != NULL);
  g_object_set (lamp, "level", 6, NULL);
  g_assert_false (flush (lamp, &error));
  g_assert_cmpint (get_int (lamp, "level"), ==, 6);
  assert_call (client, "(integer) 1", "DEL", "lamp", NULL);
  wait_until (tornadis_record_get_error (lamp) == NULL);
  g_assert_cmpint (get_int (lamp, "level"), ==, 5);
  assert_log (log, "level failed:WRONGTYPE level ");
  assert_finalized (lamp);
  g_string_free (log, TRUE);
}

static void
test_deleted (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer lamp = g_object_new (TEST_TYPE_LAMP, "client", fixture->client, "key", "l*m[p]\\", NULL);

  assert_call (client, "(integer) 2", "HSET", "l*m[p]\\", "level", "4", "label", "x", NULL);
  assert_loads (lamp);
  g_assert_true (tornadis_record_get_exists (lamp));
  assert_call (client, "(integer) 1", "HDEL", "l*m[p]\\", "level", NULL);
  wait_until (get_int (lamp, "level") == 5);
  assert_call (client, "OK", "RENAME", "l*m[p]\\", "other", NULL);
  wait_until (!tornadis_record_get_exists (lamp));
  g_assert_true (has_label (lamp, NULL));
  assert_call (client, "OK", "RENAME", "other", "l*m[p]\\", NULL);
  wait_until (has_label (lamp, "x"));
  assert_call (client, "(integer) 1", "PEXPIRE", "l*m[p]\\", "1", NULL);
  wait_until (!tornadis_record_get_exists (lamp));
  g_object_set (lamp, "level", 6, NULL);
  wait_until (tornadis_record_get_exists (lamp));
  assert_call (client, "\"6\"", "HGET", "l*m[p]\\", "level", NULL);
  assert_finalized (lamp);
}

static void
test_dictionary (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  g_autoptr (GVariant) fields =
    g_variant_ref_sink (g_variant_new_parsed ("{'on': <false>, 'level': <byte 5>, 'big': <int64 0>, 'ratio': <0.0>, 'label': <''>, "
                                              "'raw': <b'ab'>, 'list': <@as []>, 'any': <<1>>}"));
  TornadisRecord *one = tornadis_record_new (fixture->client, "lamp", fields);
  TornadisRecord *two = tornadis_record_new (client, "lamp", fields);
  GString *log;

  g_assert_true (tornadis_record_get_fields (one) == fields);
  g_assert_null (tornadis_record_get_field (one, "none"));
  g_assert_false (tornadis_record_set_field (one, "none", g_variant_new_int32 (1)));
  g_assert_false (tornadis_record_set_field (one, "level", g_variant_new_int32 (1)));
  assert_loads (one);
  assert_loads (two);
  log = make_log (two);
  assert_variant (tornadis_record_get_field (two, "level"), g_variant_new_byte (5));

  g_assert_true (tornadis_record_set_field (one, "on", g_variant_new_boolean (TRUE)));
  g_assert_true (tornadis_record_set_field (one, "level", g_variant_new_byte (200)));
  g_assert_true (tornadis_record_set_field (one, "big", g_variant_new_int64 (G_MININT64)));
  g_assert_true (tornadis_record_set_field (one, "ratio", g_variant_new_double (0.5)));
  g_assert_true (tornadis_record_set_field (one, "label", g_variant_new_string ("it's")));
  g_assert_true (tornadis_record_set_field (one, "raw", g_variant_new_parsed ("@ay [0x00, 0xff]")));
  g_assert_true (tornadis_record_set_field (one, "list", g_variant_new_parsed ("['a', 'b']")));
  g_assert_true (tornadis_record_set_field (one, "any", g_variant_new_parsed ("<(1, 'x')>")));
  assert_flushes (one);
  assert_call (client,
               "1) \"1\"\n2) \"200\"\n3) \"-9223372036854775808\"\n4) \"0.5\"\n5) \"it's\"\n6) \"\\x00\\xff\"\n7) \"['a', 'b']\"\n"
               "8) \"<(1, 'x')>\"",
               "HMGET", "lamp", "on", "level", "big", "ratio", "label", "raw", "list", "any", NULL);
  g_assert_cmpuint (count_calls (fixture->redis, "hset"), ==, 1);
  wait_until (log->len > 0);
  for (guint i = 0; i < g_variant_n_children (fields); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (fields, i);
      const char *name;

      g_variant_get_child (entry, 0, "&s", &name);
      g_assert_cmpvariant (tornadis_record_get_field (one, name), tornadis_record_get_field (two, name));
    }
  assert_log (log, "field:on field:level field:big field:ratio field:label field:raw field:list field:any ");

  assert_call (client, "(integer) 0", "HSET", "lamp", "level", "256", "label", "y", NULL);
  wait_until (log->len > 0);
  assert_log (log, "field:label invalid:level=256 ");
  assert_call (client, "(integer) 1", "DEL", "lamp", NULL);
  wait_until (!tornadis_record_get_exists (two));
  assert_variant (tornadis_record_get_field (two, "level"), g_variant_new_byte (5));
  assert_finalized (one);
  assert_finalized (two);
  g_string_free (log, TRUE);
}

static void
test_load (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer lamp = g_object_new (TEST_TYPE_LAMP, "label", "before", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) first = NULL, second = NULL, flushed = NULL;

  g_assert_false (load (lamp, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);
  g_object_set (lamp, "key", "lamp", "level", 9, NULL);
  g_assert_false (load (lamp, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);
  g_object_set (lamp, "client", fixture->client, NULL);

  /* Notifications are off, and there is no tracking in RESP2. */
  g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  assert_call (client, "OK", "CONFIG", "SET", "notify-keyspace-events", "", NULL);
  g_assert_false (load (lamp, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_assert_error (tornadis_record_get_error (lamp), TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);
  g_assert_false (tornadis_record_get_loaded (lamp));
  assert_call (client, "OK", "CONFIG", "SET", "notify-keyspace-events", "Kghxe$", NULL);

  /* One of two is cancelled, and the cancellable used for something else at once; what is set meanwhile is written. */
  assert_call (client, "(integer) 2", "HSET", "lamp", "label", "there", "level", "7", NULL);
  tornadis_record_load_async (lamp, cancellable, store_result, &first);
  tornadis_record_load_async (lamp, NULL, store_result, &second);
  g_object_set (lamp, "level", 8, NULL);
  g_cancellable_cancel (cancellable);
  g_cancellable_reset (cancellable);
  g_assert_false (tornadis_record_load_finish (lamp, wait_for_result (&first), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (tornadis_record_load_finish (lamp, wait_for_result (&second), NULL));
  g_assert_true (has_label (lamp, "there"));
  g_assert_cmpint (get_int (lamp, "level"), ==, 8);
  assert_flushes (lamp);
  assert_call (client, "\"8\"", "HGET", "lamp", "level", NULL);

  /* All of them: it is as before, and can be loaded again. */
  g_clear_object (&first);
  g_clear_object (&second);
  assert_finalized (lamp);
  lamp = make_lamp (fixture->client);
  g_clear_object (&cancellable);
  cancellable = g_cancellable_new ();
  tornadis_record_load_async (lamp, cancellable, store_result, &first);
  g_object_set (lamp, "level", 2, NULL);
  tornadis_record_flush_async (lamp, NULL, store_result, &flushed);
  g_cancellable_cancel (cancellable);
  g_assert_false (tornadis_record_load_finish (lamp, wait_for_result (&first), NULL));
  g_assert_false (tornadis_record_flush_finish (lamp, wait_for_result (&flushed), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (&flushed);
  g_object_set (lamp, "level", 1, "client", client, NULL);
  assert_loads (lamp);
  g_assert_cmpint (get_int (lamp, "level"), ==, 8);
  assert_loads (lamp);
  g_clear_object (&first);
  assert_finalized (lamp);
}

static void
test_lost (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer lamp = make_lamp (fixture->client);
  GString *log;
  g_autoptr (GError) error = NULL;

  assert_loads (lamp);
  g_object_set (lamp, "label", "here", NULL);
  assert_flushes (lamp);
  log = make_log (lamp);

  /* The server is another one after it, which knows nothing. */
  tornadis_harness_redis_kill (fixture->redis);
  wait_until (!tornadis_client_is_connected (fixture->client));
  g_object_set (lamp, "label", "meanwhile", NULL);
  g_assert_false (flush (lamp, &error));
  wait_until (tornadis_record_get_error (lamp) != NULL);
  g_assert_true (tornadis_harness_redis_restart (fixture->redis, NULL));
  wait_until (has_label (lamp, NULL));
  wait_until (tornadis_record_get_error (lamp) == NULL);
  g_assert_false (tornadis_record_get_exists (lamp));
  g_assert_nonnull (strstr (log->str, "failed:"));

  wait_until (tornadis_record_get_live (lamp));
  g_clear_object (&client);
  client = make_other (fixture);
  wait_until (write_label (client, lamp));
  assert_finalized (lamp);
  g_string_free (log, TRUE);
}

/* Only the notifications are lost: what has changed meanwhile is found. */
static void
test_gap (Fixture *fixture,
          gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer lamp = make_lamp (fixture->client);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (TRUE, "CLIENT KILL TYPE pubsub", "HSET lamp label gap");
  g_autoptr (TornadisReply) replies = NULL;

  g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  assert_loads (lamp);
  replies = call_pipeline (client, pipeline, NULL, NULL);
  g_assert_nonnull (replies);
  wait_until (has_label (lamp, "gap"));
  g_assert_true (tornadis_record_get_live (lamp));

  /* The server does not tell any more: what is set is written none the less, and read after that. */
  assert_call (client, "OK", "CONFIG", "SET", "notify-keyspace-events", "", NULL);
  assert_call (client, "(integer) 1", "CLIENT", "KILL", "TYPE", "pubsub", NULL);
  wait_until (!tornadis_record_get_live (lamp) && tornadis_record_get_error (lamp) != NULL);
  g_assert_error (tornadis_record_get_error (lamp), TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  assert_call (client, "(integer) 0", "HSET", "lamp", "label", "unseen", NULL);
  g_object_set (lamp, "level", 1, NULL);
  wait_until (has_label (lamp, "unseen"));
  g_assert_error (tornadis_record_get_error (lamp), TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_assert_false (load (lamp, NULL));
  g_assert_true (tornadis_record_get_loaded (lamp));

  assert_call (client, "OK", "CONFIG", "SET", "notify-keyspace-events", "KA", NULL);
  assert_loads (lamp);
  assert_call (client, "(integer) 0", "HSET", "lamp", "label", "seen", NULL);
  wait_until (has_label (lamp, "seen"));
  assert_finalized (lamp);
}

/* Where the server does not notify, it is told by tracking. */
static void
test_tracking (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer one = make_lamp (fixture->client);
  gpointer two = make_lamp (client);
  GString *log;

  assert_call (client, "OK", "CONFIG", "SET", "notify-keyspace-events", "", NULL);
  assert_loads (one);
  assert_loads (two);
  g_assert_true (tornadis_record_get_live (one));
  g_assert_no_error (tornadis_record_get_error (one));
  log = make_log (two);
  g_object_set (one, "level", 7, "label", "here", NULL);
  wait_until (get_int (two, "level") == 7);
  g_assert_true (has_label (two, "here"));
  assert_log (log, "label level ");
  g_object_set (two, "label", "there", NULL);
  wait_until (has_label (one, "there"));
  assert_call (client, "OK", "FLUSHALL", NULL);
  wait_until (!tornadis_record_get_exists (one) && !tornadis_record_get_exists (two));

  /* It is another connection, and another time that it is asked for. */
  assert_call (client, "(integer) 2", "CLIENT", "KILL", "TYPE", "pubsub", NULL);
  assert_call (client, "(integer) 1", "HSET", "lamp", "label", "gap", NULL);
  wait_until (has_label (one, "gap") && has_label (two, "gap"));
  wait_until (tornadis_record_get_live (one) && tornadis_record_get_live (two));
  g_object_set (one, "level", 8, NULL);
  wait_until (get_int (two, "level") == 8);

  /* Nor does it cease when the server begins to notify. */
  assert_call (client, "OK", "CONFIG", "SET", "notify-keyspace-events", "KA", NULL);
  assert_loads (one);
  g_object_set (two, "level", 9, NULL);
  wait_until (get_int (one, "level") == 9);
  assert_finalized (one);
  assert_finalized (two);
  g_string_free (log, TRUE);
}

/* Nobody knows whether the server notifies: it does, which the first notification shows. */
static void
test_unknown (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer lamp = make_lamp (fixture->client);

  assert_call (client, "OK", "ACL", "SETUSER", "limited", "on", "nopass", "~*", "&*", "+@all", "-config", "-client|tracking", NULL);
  g_object_set (fixture->client, "username", "limited", "password", "any", NULL);
  g_assert_true (load (lamp, NULL));
  g_assert_false (tornadis_record_get_live (lamp));
  g_object_set (lamp, "level", 7, NULL);
  wait_until (tornadis_record_get_live (lamp));
  assert_call (client, "(integer) 1", "HSET", "lamp", "label", "seen", NULL);
  wait_until (has_label (lamp, "seen"));
  assert_finalized (lamp);
}

/* What is not sent yet is sent; nobody is told any more. */
static void
test_dispose (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer lamp = make_lamp (fixture->client);
  g_autoptr (GAsyncResult) flushed = NULL, late = NULL;
  g_autoptr (GError) error = NULL;
  GString *log;

  assert_loads (lamp);
  g_object_set (lamp, "level", 1, NULL);
  assert_finalized (lamp);
  lamp = make_lamp (fixture->client);
  wait_until (has_level (client, "1"));
  assert_loads (lamp);

  log = make_log (lamp);
  g_object_set (lamp, "level", 2, NULL);
  g_main_context_iteration (NULL, FALSE);
  g_object_set (lamp, "level", 3, NULL);
  tornadis_record_flush_async (lamp, NULL, store_result, &flushed);
  g_object_run_dispose (lamp);
  g_assert_false (tornadis_record_flush_finish (lamp, wait_for_result (&flushed), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_string_truncate (log, 0);
  wait_until (has_level (client, "3"));
  g_object_set (lamp, "level", 4, NULL);
  tornadis_record_load_async (lamp, NULL, store_result, &late);
  g_assert_false (tornadis_record_load_finish (lamp, wait_for_result (&late), NULL));
  assert_call (client, "\"3\"", "HGET", "lamp", "level", NULL);
  assert_log (log, "");
  g_clear_object (&flushed);
  g_clear_object (&late);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (lamp);
  g_string_free (log, TRUE);

  /* While it is being loaded. */
  lamp = make_lamp (fixture->client);
  tornadis_record_load_async (lamp, NULL, store_result, &late);
  g_object_run_dispose (lamp);
  g_assert_false (tornadis_record_load_finish (lamp, wait_for_result (&late), NULL));
  g_clear_object (&late);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_object_unref (lamp);
}

static void
drop_cb (GObject *object,
         GParamSpec *pspec,
         gpointer user_data)
{
  gpointer *location = user_data;

  if (*location != NULL)
    g_object_run_dispose (*location);
  g_clear_object (location);
}

static void
dispose_cb (GObject *object,
            GAsyncResult *result,
            gpointer is_done)
{
  g_assert_false (tornadis_record_load_finish (TORNADIS_RECORD (object), result, NULL));
  g_object_run_dispose (object);
  *(gboolean *) is_done = TRUE;
}

/* It is dropped by who is told, and set by who is told. */
static void
test_reentrancy (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer lamp = make_lamp (fixture->client);
  gpointer alive = lamp;
  gboolean is_done = FALSE;

  assert_loads (lamp);
  g_signal_connect (lamp, "notify::label", G_CALLBACK (drop_cb), &lamp);
  g_object_add_weak_pointer (alive, &alive);
  assert_call (client, "(integer) 3", "HSET", "lamp", "level", "999", "label", "x", "on", "1", NULL);
  wait_until (lamp == NULL);
  wait_until (alive == NULL);

  /* By who waits for a reading that fails: it is not tried again. */
  lamp = make_lamp (fixture->client);
  assert_loads (lamp);
  assert_call (client, "OK", "ACL", "SETUSER", "default", "-hgetall", NULL);
  tornadis_record_load_async (lamp, NULL, dispose_cb, &is_done);
  wait_until (is_done);
  g_assert_no_error (tornadis_record_get_error (lamp));
  assert_call (client, "OK", "ACL", "SETUSER", "default", "+hgetall", NULL);
  assert_finalized (lamp);
}

/* Two that set whatever they like come to have what the server has. */
static void
test_model (Fixture *fixture,
            gconstpointer data)
{
  static const char *const labels[] = { NULL, "", "a", "b", "c" };
  g_autoptr (TornadisClient) client = make_other (fixture);
  gpointer lamps[] = { make_lamp (fixture->client), make_lamp (client) };

  assert_loads (lamps[0]);
  assert_loads (lamps[1]);
  for (guint round = 0; round < 40; round++)
    {
      for (gint n = g_test_rand_int_range (1, 30); n > 0; n--)
        {
          gpointer lamp = lamps[g_test_rand_int_range (0, 2)];

          switch (g_test_rand_int_range (0, 6))
            {
            case 0:
              g_object_set (lamp, "level", g_test_rand_int_range (0, 4), NULL);
              break;
            case 1:
              g_object_set (lamp, "label", labels[g_test_rand_int_range (0, G_N_ELEMENTS (labels))], NULL);
              break;
            case 2:
              g_object_set (lamp, "on", g_test_rand_int_range (0, 2), NULL);
              break;
            case 3:
              if (g_test_rand_int_range (0, 8) == 0)
                g_free (call_text (client, "DEL", "lamp", NULL));
              break;
            default:
              g_main_context_iteration (NULL, FALSE);
            }
        }

      assert_flushes (lamps[0]);
      assert_flushes (lamps[1]);
      /* The last write of the round: both have read after it. */
      g_object_set (lamps[0], "size", (guint64) round + 1, NULL);
      assert_flushes (lamps[0]);
      for (guint i = 0; i < 2; i++)
        {
          guint64 size = 0;

          wait_until ((g_object_get (lamps[i], "size", &size, NULL), size == round + 1));
        }
      for (guint i = 0; i < 2; i++)
        {
          g_autoptr (TornadisReply) reply = call (client, NULL, "HMGET", "lamp", "on", "level", "label", NULL);
          const char *on, *level;

          g_assert_nonnull (reply);
          on = tornadis_reply_get_text (tornadis_reply_get_element (reply, 0));
          level = tornadis_reply_get_text (tornadis_reply_get_element (reply, 1));
          wait_until (get_int (lamps[i], "on") == (g_strcmp0 (on, "1") == 0));
          wait_until (get_int (lamps[i], "level") == (level != NULL ? atoi (level) : 5));
          wait_until (has_label (lamps[i], tornadis_reply_get_text (tornadis_reply_get_element (reply, 2))));
        }
    }
  assert_finalized (lamps[0]);
  assert_finalized (lamps[1]);
}

/* The same shapes come with RESP2. */
static void
test_resp2 (Fixture *fixture,
            gconstpointer data)
{
  gpointer lamp;

  g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  assert_call (fixture->client, "(integer) 1", "HSET", "lamp", "level", "4", NULL);
  lamp = make_lamp (fixture->client);
  assert_loads (lamp);
  g_assert_cmpint (get_int (lamp, "level"), ==, 4);
  g_object_set (lamp, "level", 6, "label", "x", NULL);
  assert_flushes (lamp);
  g_object_set (lamp, "level", 7, "label", NULL, NULL);
  assert_flushes (lamp);
  assert_call (fixture->client, "1) \"level\"\n2) \"7\"", "HGETALL", "lamp", NULL);
  assert_finalized (lamp);
}

static void
test_bad_replies (void)
{
  static const char *const replies[] = {
    "+OK\r\n",
    ":1\r\n",
    "_\r\n",
    "*1\r\n$5\r\nlevel\r\n",
    "*2\r\n$5\r\nlevel\r\n*0\r\n",
    "%1\r\n$5\r\nlevel\r\n:7\r\n",
    "~2\r\n$5\r\nlevel\r\n$1\r\n7\r\n",
  };
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("answer CONFIG \"%1\\r\\n$22\\r\\nnotify-keyspace-events\\r\\n$2\\r\\nKA\\r\\n\"\n"
               "answer SUBSCRIBE \">3\\r\\n$9\\r\\nsubscribe\\r\\n$19\\r\\n__keyspace@0__:lamp\\r\\n:1\\r\\n\"\n"
               "handshake3\nserve\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  gpointer lamp = make_lamp (client);

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr (GError) error = NULL;

      tornadis_harness_peer_set_answers (peer, "HGETALL", (const char *[]){ replies[i], NULL });
      g_assert_false (load (lamp, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_assert_cmpint (get_int (lamp, "level"), ==, 5);
    }

  tornadis_harness_peer_set_answers (peer, "HGETALL", (const char *[]){ "%1\r\n$5\r\nlevel\r\n$1\r\n7\r\n", NULL });
  assert_loads (lamp);
  g_assert_cmpint (get_int (lamp, "level"), ==, 7);
  assert_finalized (lamp);
}

static void
test_cluster (gconstpointer setting)
{
  g_autoptr (TornadisHarnessCluster) cluster = start_cluster (3, 0, setting);
  g_autoptr (TornadisClient) client = make_cluster_client (cluster, NULL);
  g_autoptr (TornadisClient) other = make_cluster_client (cluster, NULL);

  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *key = g_strdup_printf ("lamp:%u", i);
      gpointer one = g_object_new (TEST_TYPE_LAMP, "client", client, "key", key, NULL);
      gpointer two = g_object_new (TEST_TYPE_LAMP, "client", other, "key", key, NULL);

      assert_loads (one);
      assert_loads (two);
      g_object_set (one, "level", 7, "label", key, NULL);
      wait_until (get_int (two, "level") == 7);
      g_assert_true (has_label (two, key));
      g_object_set (two, "level", 8, "label", NULL, NULL);
      wait_until (get_int (one, "level") == 8);
      g_assert_true (has_label (one, NULL));
      assert_finalized (one);
      assert_finalized (two);
    }
}

#define ADD(name) g_test_add ("/record/" #name, Fixture, notifying, fixture_set_up, test_##name, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD (transforms);
  ADD (invalid);
  ADD (follow);
  ADD (bindings);
  ADD (conflict);
  ADD (newer);
  ADD (refused);
  ADD (deleted);
  ADD (dictionary);
  ADD (load);
  ADD (lost);
  ADD (gap);
  ADD (tracking);
  ADD (unknown);
  ADD (dispose);
  ADD (reentrancy);
  ADD (model);
  ADD (resp2);
  g_test_add_func ("/record/bad-replies", test_bad_replies);
  g_test_add_data_func ("/record/cluster", notifying, test_cluster);
  g_test_add_data_func ("/record/cluster/tracking", NULL, test_cluster);

  return g_test_run ();
}
