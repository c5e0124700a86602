/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/command-keys.h"

#include <string.h>

#include "common/commands.h"

/* A key specification: where the search begins, at an argument or after a keyword, and which arguments from there on
 * are keys, a range or as many as a number says. */
typedef struct
{
  const char *keyword; /* (nullable) in upper case */
  gint64 begin;        /* the argument, or where to look for the keyword: from the end if negative */
  gboolean counted;
  gint64 step;
  gint64 last;   /* of a range: from the beginning, or from the end of the command if negative */
  gint64 limit;  /* of a range: only the first 1/limit of what remains, if greater than 1 */
  gint64 number; /* if counted: where the number is, from the beginning */
  gint64 first;  /* if counted: where the first key is, from the beginning */
  char *to_free; /* (owned) (nullable) the keyword */
} KeySpec;

/* The arguments of a command, taken out once. */
typedef struct
{
  TornadisCommand *command;
  gint64 n;
} Args;

typedef gboolean (*FindFunc) (const Args *args,
                              GArray *positions);

struct _CommandKeys
{
  GArray *specs; /* (owned) (element-type KeySpec) */
  FindFunc find; /* (nullable) in their place */
  gboolean movable;
  gboolean unknown; /* the specs are not all */
};

static void
key_spec_clear (gpointer data)
{
  g_free (((KeySpec *) data)->to_free);
}

static gboolean
args_is (const Args *self,
         gint64 i,
         const char *word)
{
  return command_argument_is (self->command, (gsize) i, word);
}

static void
add_position (GArray *positions,
              gint64 position)
{
  guint value = (guint) position;

  g_array_append_val (positions, value);
}

/* SORT key [BY pattern] [LIMIT offset count] [GET pattern …] [ASC|DESC] [ALPHA] [STORE destination] */
static gboolean
find_in_sort (const Args *args,
              GArray *positions)
{
  if (args->n > 1)
    add_position (positions, 1);

  for (gint64 i = 2; i < args->n; i++)
    {
      if (args_is (args, i, "LIMIT"))
        i += 2;
      else if (args_is (args, i, "BY") || args_is (args, i, "GET"))
        i++;
      else if (args_is (args, i, "STORE") && ++i < args->n)
        add_position (positions, i);
    }

  return TRUE;
}

/* GEORADIUS key longitude latitude radius unit [… STORE key] [STOREDIST key], and BYMEMBER: the last one counts. */
static gboolean
find_in_georadius (const Args *args,
                   GArray *positions)
{
  if (args->n > 1)
    add_position (positions, 1);

  for (gint64 i = 5; i + 1 < args->n; i++)
    {
      if (args_is (args, i, "STORE") || args_is (args, i, "STOREDIST"))
        add_position (positions, ++i);
    }

  return TRUE;
}

/* MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH password | AUTH2 name password] [KEYS key …] */
static gboolean
find_in_migrate (const Args *args,
                 GArray *positions)
{
  for (gint64 i = 6; i < args->n; i++)
    {
      if (args_is (args, i, "AUTH"))
        i++;
      else if (args_is (args, i, "AUTH2"))
        i += 2;
      else if (args_is (args, i, "KEYS"))
        {
          while (++i < args->n)
            add_position (positions, i);
          return args_is (args, 3, "");
        }
    }

  if (args->n > 3)
    add_position (positions, 3);

  return TRUE;
}

/* Commands of which no server gives a sufficient specification. */
static const struct
{
  const char *name;
  FindFunc find;
} functions[] = {
  { "SORT", find_in_sort },
  { "SORT_RO", find_in_sort },
  { "GEORADIUS", find_in_georadius },
  { "GEORADIUSBYMEMBER", find_in_georadius },
  { "MIGRATE", find_in_migrate },
};

#define COUNTED(at)                                                    \
  {                                                                    \
    .begin = (at), .counted = TRUE, .step = 1, .number = 0, .first = 1 \
  }
#define SINGLE(at)           \
  {                          \
    .begin = (at), .step = 1 \
  }
#define STREAMS(from)                                                        \
  {                                                                          \
    .keyword = "STREAMS", .begin = (from), .step = 1, .last = -1, .limit = 2 \
  }

/* Commands of which servers before Redis 7 say only that their keys are movable, and some later ones that their
 * specification is incomplete. */
static const struct
{
  const char *names[8];
  KeySpec specs[2];
  guint n_specs;
} well_known[] = {
  { { "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO" }, { COUNTED (2) }, 1 },
  { { "BLMPOP", "BZMPOP" }, { COUNTED (2) }, 1 },
  { { "ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD", "SINTERCARD", "LMPOP", "ZMPOP" }, { COUNTED (1) }, 1 },
  { { "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE" }, { SINGLE (1), COUNTED (2) }, 2 },
  { { "XREAD" }, { STREAMS (1) }, 1 },
  { { "XREADGROUP" }, { STREAMS (4) }, 1 },
  { { "MEMORY" }, { { .keyword = "USAGE", .begin = 1, .step = 1 } }, 1 },
};

static gboolean
reply_has_name (TornadisReply *self,
                const char *name)
{
  gsize length;
  const guint8 *data = tornadis_reply_get_data (self, &length);

  return data != NULL && length == strlen (name) && memcmp (data, name, length) == 0;
}

gboolean
command_reply_contains (TornadisReply *self,
                        const char *name)
{
  for (gsize i = 0; self != NULL && i < tornadis_reply_get_n_elements (self); i++)
    {
      if (reply_has_name (tornadis_reply_get_element (self, i), name))
        return TRUE;
    }

  return FALSE;
}

static FindFunc
get_function (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      if (strcmp (functions[i].name, name) == 0)
        return functions[i].find;
    }

  return NULL;
}

static gboolean
keys_add_well_known (CommandKeys *self,
                     const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (well_known); i++)
    {
      if (g_strv_contains (well_known[i].names, name))
        {
          g_array_append_vals (self->specs, well_known[i].specs, well_known[i].n_specs);
          return TRUE;
        }
    }

  return FALSE;
}

/* Gets an integer from a map (nullable) and checks it, so that no sum of two overflows. */
static gboolean
get_number (TornadisReply *map,
            const char *key,
            gint64 min,
            gint64 *value)
{
  TornadisReply *found = map != NULL ? tornadis_reply_lookup (map, key) : NULL;

  if (found == NULL || tornadis_reply_get_kind (found) != TORNADIS_REPLY_KIND_INTEGER)
    return FALSE;

  *value = tornadis_reply_get_integer (found);
  return *value >= min && *value <= G_MAXINT32;
}

/* What kind of search it is; @spec (out) (nullable) says more. */
static const char *
get_search (TornadisReply *reply,
            const char *key,
            TornadisReply **spec)
{
  TornadisReply *search = tornadis_reply_lookup (reply, key);
  TornadisReply *type = search != NULL ? tornadis_reply_lookup (search, "type") : NULL;
  const char *text = type != NULL ? tornadis_reply_get_text (type) : NULL;

  *spec = search != NULL ? tornadis_reply_lookup (search, "spec") : NULL;
  return text != NULL ? text : "";
}

static gboolean
parse_begin (TornadisReply *reply,
             KeySpec *spec)
{
  TornadisReply *map, *word;
  const char *type = get_search (reply, "begin_search", &map);

  if (strcmp (type, "index") == 0)
    return get_number (map, "index", 1, &spec->begin);
  if (strcmp (type, "keyword") != 0 || !get_number (map, "startfrom", G_MININT32, &spec->begin))
    return FALSE;

  word = tornadis_reply_lookup (map, "keyword");
  if (word == NULL || tornadis_reply_get_text (word) == NULL)
    return FALSE;

  spec->keyword = spec->to_free = g_strdup (tornadis_reply_get_text (word));
  return spec->begin != 0;
}

static gboolean
parse_find (TornadisReply *reply,
            KeySpec *spec)
{
  TornadisReply *map;
  const char *type = get_search (reply, "find_keys", &map);

  if (!get_number (map, "keystep", 1, &spec->step))
    return FALSE;

  if (strcmp (type, "range") == 0)
    return get_number (map, "lastkey", G_MININT32, &spec->last) && get_number (map, "limit", 0, &spec->limit);

  spec->counted = strcmp (type, "keynum") == 0;
  return spec->counted && get_number (map, "keynumidx", 0, &spec->number) && get_number (map, "firstkey", 0, &spec->first);
}

static void
keys_parse_specs (CommandKeys *self,
                  TornadisReply *specs)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (specs); i++)
    {
      TornadisReply *reply = tornadis_reply_get_element (specs, i);
      TornadisReply *flags = tornadis_reply_lookup (reply, "flags");
      KeySpec spec = { 0 };

      /* It only looks like a key, such as a shard channel. */
      if (command_reply_contains (flags, "not_key"))
        continue;

      if (command_reply_contains (flags, "incomplete") || !parse_begin (reply, &spec) || !parse_find (reply, &spec))
        {
          self->unknown = TRUE;
          key_spec_clear (&spec);
          continue;
        }
      g_array_append_val (self->specs, spec);
    }
}

/* Of some commands a server says only that what it says is incomplete: XREAD and XREADGROUP since the update of Redis 8.0.2
 * in Debian 13 (5:8.0.2-3+deb13u3), with the same specification as before. */
static void
keys_complete (CommandKeys *self,
               const char *name)
{
  guint n_parsed = self->specs->len;

  if (!keys_add_well_known (self, name))
    return;

  if (n_parsed > 0)
    g_array_remove_range (self->specs, 0, n_parsed);
  self->unknown = FALSE;
}

CommandKeys *
command_keys_new (const char *name,
                  TornadisReply *specs,
                  gint64 first,
                  gint64 last,
                  gint64 step,
                  gboolean movable)
{
  CommandKeys *self = g_new0 (CommandKeys, 1);
  gboolean has_specs = specs != NULL && tornadis_reply_get_n_elements (specs) > 0;

  self->specs = g_array_new (FALSE, FALSE, sizeof (KeySpec));
  g_array_set_clear_func (self->specs, key_spec_clear);
  self->find = get_function (name);

  if (self->find != NULL)
    {
      self->movable = TRUE;
    }
  else if (has_specs)
    {
      keys_parse_specs (self, specs);
      if (self->unknown)
        keys_complete (self, name);
      self->movable = self->unknown;
    }
  else if (movable)
    {
      self->movable = TRUE;
      self->unknown = !keys_add_well_known (self, name);
    }
  else if (first != 0)
    {
      KeySpec spec = { .begin = first, .step = step, .last = last < 0 ? last : last - first };

      self->unknown = first < 1 || first > G_MAXINT32 || step < 1 || step > G_MAXINT32 || last > G_MAXINT32 ||
                      last < G_MININT32 || (last >= 0 && last < first);
      g_array_append_val (self->specs, spec);
    }

  return self;
}

void
command_keys_free (CommandKeys *self)
{
  g_array_unref (self->specs);
  g_free (self);
}

gboolean
command_keys_are_movable (CommandKeys *self)
{
  return self->movable;
}

/* The argument after the keyword, or 0. */
static gint64
find_keyword (const Args *args,
              const KeySpec *spec)
{
  gint64 i = spec->begin > 0 ? spec->begin : args->n + spec->begin;
  gint64 step = spec->begin > 0 ? 1 : -1;

  for (; i > 0 && i < args->n; i += step)
    {
      if (args_is (args, i, spec->keyword))
        return i + 1;
    }

  return 0;
}

/* TRUE with @value untouched when there is no such argument. */
static gboolean
get_count (const Args *args,
           gint64 i,
           gint64 *value)
{
  g_autofree char *text = NULL;
  gsize length;
  const char *data = (const char *) tornadis_command_get_arg_data (args->command, (gsize) i, &length);

  if (data == NULL)
    return TRUE;

  text = g_strndup (data, length);
  return strlen (text) == length && g_ascii_string_to_signed (text, 10, 0, G_MAXINT32, value, NULL);
}

/* The last argument that may be a key, of a range that begins at @first; it may be missing, or before the first. */
static gint64
range_get_last (const KeySpec *spec,
                gint64 first,
                gint64 n_args)
{
  if (spec->last >= 0)
    return first + spec->last;
  if (spec->limit > 1)
    return first + (n_args - first) / spec->limit + spec->last;

  return n_args + spec->last;
}

static gboolean
find_by_spec (const Args *args,
              const KeySpec *spec,
              GArray *positions)
{
  gint64 first = spec->keyword != NULL ? find_keyword (args, spec) : spec->begin;
  gint64 last;

  if (first == 0)
    return TRUE;

  if (spec->counted)
    {
      gint64 count = 0;

      if (!get_count (args, first + spec->number, &count))
        return FALSE;
      first += spec->first;
      last = first + (count - 1) * spec->step;
    }
  else
    last = range_get_last (spec, first, args->n);

  /* The server complains of those that are missing. */
  for (gint64 i = first; i <= MIN (last, args->n - 1); i += spec->step)
    add_position (positions, i);

  return TRUE;
}

static int
compare_positions (gconstpointer a,
                   gconstpointer b)
{
  guint x = *(const guint *) a, y = *(const guint *) b;

  return x < y ? -1 : x > y;
}

/* Specifications may come in any order and meet. */
static void
sort_positions (GArray *positions,
                guint begin)
{
  guint *data;
  guint kept = begin + 1;
  gboolean ordered = TRUE;

  /* An array that was always empty has no data to point at. */
  if (positions->len - begin < 2)
    return;

  data = &g_array_index (positions, guint, 0);
  for (guint i = begin + 1; i < positions->len && ordered; i++)
    ordered = data[i - 1] < data[i];
  if (ordered)
    return;

  qsort (data + begin, positions->len - begin, sizeof (guint), compare_positions);
  for (guint i = begin + 1; i < positions->len; i++)
    {
      if (data[i] != data[kept - 1])
        data[kept++] = data[i];
    }
  g_array_set_size (positions, kept);
}

gboolean
command_keys_find (CommandKeys *self,
                   TornadisCommand *command,
                   GArray *positions)
{
  Args args = { command, (gint64) tornadis_command_get_n_args (command) };
  guint begin = positions->len;
  gboolean found = !self->unknown;

  if (self->find != NULL)
    found = self->find (&args, positions);
  for (guint i = 0; i < self->specs->len && found; i++)
    found = find_by_spec (&args, &g_array_index (self->specs, KeySpec, i), positions);

  if (found)
    sort_positions (positions, begin);
  else
    g_array_set_size (positions, begin);

  return found;
}

/* The one range, at a fixed place, that all keys are in; or NULL. */
static const KeySpec *
keys_get_range (CommandKeys *self)
{
  const KeySpec *spec;

  if (self->unknown || self->find != NULL || self->specs->len != 1)
    return NULL;

  spec = &g_array_index (self->specs, KeySpec, 0);
  return spec->keyword == NULL && !spec->counted ? spec : NULL;
}

gboolean
command_keys_get_run (CommandKeys *self,
                      gsize n_args,
                      guint *first,
                      guint *last,
                      guint *step)
{
  const KeySpec *spec = keys_get_range (self);
  gint64 end;

  if (spec == NULL || spec->limit > 1)
    return FALSE;

  end = MIN (range_get_last (spec, spec->begin, (gint64) n_args), (gint64) n_args - 1);
  if (end < spec->begin)
    return FALSE;

  *first = (guint) spec->begin;
  *step = (guint) spec->step;
  *last = (guint) (end - (end - spec->begin) % spec->step);
  return TRUE;
}

guint
command_keys_get_single (CommandKeys *self)
{
  const KeySpec *spec = keys_get_range (self);

  return spec != NULL && spec->last == 0 ? (guint) spec->begin : 0;
}
