/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reader alone beside that of hiredis: bench-reader {tornadis|hiredis} STREAM MEBIBYTES. The stream is what a
 * server sends for many GETs, LRANGEs, INCRs, HGETALLs, SETs or messages on a channel, and comes in pieces as from a socket. */

#include "bench.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <read.h>
#include <hiredis.h>
#pragma GCC diagnostic pop

#include "tornadis-glib/values/tornadis-reply.h"
#include "tornadis-glib/wire/tornadis-reader.h"

#define PIECE 65536
#define STREAM_SIZE (1024 * 1024)
#define ARRAY_LENGTH 10000
#define N_FIELDS 32

static void
add_string (GString *stream,
            const char *text)
{
  g_string_append_printf (stream, "$%zu\r\n%s\r\n", strlen (text), text);
}

static void
add_reply (GString *stream,
           const char *name,
           guint i)
{
  if (g_str_equal (name, "strings"))
    {
      add_string (stream, "a value of thirty-two bytes, see");
    }
  else if (g_str_equal (name, "integers"))
    {
      g_string_append_printf (stream, ":%u\r\n", i);
    }
  else if (g_str_equal (name, "pushes"))
    {
      g_string_append (stream, ">3\r\n$7\r\nmessage\r\n$12\r\nnews/weather\r\n");
      add_string (stream, "a message of thirty-two bytes, s");
    }
  else if (g_str_equal (name, "statuses"))
    {
      g_string_append (stream, "+OK\r\n");
    }
  else
    {
      gboolean pairs = g_str_equal (name, "pairs");
      guint n = pairs ? 2 * N_FIELDS : ARRAY_LENGTH;

      g_string_append_printf (stream, "*%u\r\n", n);
      for (guint j = 0; j < n; j++)
        {
          g_autofree char *text = g_strdup_printf ("%s:%u", pairs && j % 2 == 0 ? "field" : "element", j);

          add_string (stream, text);
        }
    }
}

static guint
read_tornadis (const GString *stream,
               guint n_times)
{
  TornadisReader *reader = tornadis_reader_new (PIECE, BENCH_LARGE_SIZE);
  guint n = 0;

  for (guint i = 0; i < n_times; i++)
    for (gsize done = 0; done < stream->len;)
      {
        gsize size;
        guint8 *buffer = tornadis_reader_reserve (reader, &size);
        TornadisReply *reply;
        GError *error = NULL;

        size = MIN (size, stream->len - done);
        memcpy (buffer, stream->str + done, size);
        tornadis_reader_commit (reader, size);
        done += size;
        for (; (reply = tornadis_reader_next (reader, &error)) != NULL; n++)
          tornadis_reply_unref (reply);
        if (error != NULL)
          bench_fail (error->message);
      }

  tornadis_reader_free (reader);
  return n;
}

static guint
read_hiredis (const GString *stream,
              guint n_times)
{
  redisReader *reader = redisReaderCreate ();
  guint n = 0;

  for (guint i = 0; i < n_times; i++)
    for (gsize done = 0; done < stream->len;)
      {
        gsize size = MIN (PIECE, stream->len - done);
        void *reply;

        redisReaderFeed (reader, stream->str + done, size);
        done += size;
        for (;; n++)
          {
            if (redisReaderGetReply (reader, &reply) != REDIS_OK)
              bench_fail (reader->errstr);
            if (reply == NULL)
              break;
            freeReplyObject (reply);
          }
      }

  redisReaderFree (reader);
  return n;
}

int
main (int argc,
      char **argv)
{
  g_autoptr (GString) stream = g_string_new (NULL);
  Bench bench = { 0 };
  double seconds;
  guint n_times;

  if (argc < 4)
    bench_fail ("bench-reader {tornadis|hiredis} STREAM MEBIBYTES");
  for (guint i = 0; stream->len < STREAM_SIZE; i++)
    add_reply (stream, argv[2], i);
  n_times = (guint) atoi (argv[3]);

  bench_start (&bench);
  bench.n = g_str_equal (argv[1], "tornadis") ? read_tornadis (stream, n_times) : read_hiredis (stream, n_times);
  bench_stop (&bench);

  seconds = (double) (bench.ended - bench.started) / 1e9;
  printf ("{\"ops\": %u, \"seconds\": %.6f, \"rate\": %.1f, \"gb_per_second\": %.3f}\n", bench.n, seconds, bench.n / seconds,
          (double) stream->len * n_times / seconds / 1e9);
  return 0;
}
