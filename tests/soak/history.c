/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/history.h"

#include <string.h>

/* What is unclear doubles what has to be tried, each time. */
#define MAX_OPERATIONS 40
#define MAX_UNCLEAR 5

struct _History
{
  char *prefix;                              /* (owned) */
  HistoryKey *places[N_KEY_TYPES][N_PLACES]; /* (owned) (nullable) */
  GQueue retired;                            /* (element-type HistoryKey) (element owned) not given out yet */
  guint64 clock;
  guint n_named;
  guint n_keys;
};

History *
history_new (const char *prefix)
{
  History *self = g_new0 (History, 1);

  self->prefix = g_strdup (prefix);

  return self;
}

static void
key_free (HistoryKey *key)
{
  g_free (key->name);
  g_ptr_array_unref (key->operations);
  g_free (key);
}

static void
history_retire (History *self,
                HistoryKey *key)
{
  key->is_retired = TRUE;
  g_queue_push_tail (&self->retired, key);
}

HistoryKey *
history_get_key (History *self,
                 KeyType type,
                 guint place)
{
  static const char letters[N_KEY_TYPES] = { 't', 'n', 'l' };
  HistoryKey **key = &self->places[type][place];

  if (*key != NULL && ((*key)->operations->len >= MAX_OPERATIONS || (*key)->n_unclear >= MAX_UNCLEAR))
    history_retire (self, g_steal_pointer (key));
  if (*key == NULL)
    {
      *key = g_new0 (HistoryKey, 1);
      (*key)->name = g_strdup_printf ("%s:{%u}:%c%u", self->prefix, place, letters[type], ++self->n_named);
      (*key)->type = type;
      (*key)->place = place;
      (*key)->operations = g_ptr_array_new_with_free_func ((GDestroyNotify) history_operation_free);
      self->n_keys++;
    }

  return *key;
}

HistoryKey *
history_take_retired (History *self)
{
  for (GList *at = self->retired.head; at != NULL; at = at->next)
    {
      HistoryKey *key = at->data;

      if (key->n_open > 0)
        continue;
      g_queue_delete_link (&self->retired, at);
      return key;
    }

  return NULL;
}

void
history_retire_all (History *self)
{
  for (guint type = 0; type < N_KEY_TYPES; type++)
    for (guint place = 0; place < N_PLACES; place++)
      if (self->places[type][place] != NULL)
        history_retire (self, g_steal_pointer (&self->places[type][place]));
}

HistoryOperation *
history_begin (History *self,
               HistoryKey *key,
               Effect effect,
               const char *argument,
               const char *expected)
{
  HistoryOperation *operation = g_new0 (HistoryOperation, 1);

  operation->effect = effect;
  operation->argument = g_strdup (argument);
  operation->expected = g_strdup (expected);
  operation->begin = ++self->clock;
  operation->end = UNCLEAR_END;
  g_ptr_array_add (key->operations, operation);
  key->n_open++;

  return operation;
}

void
history_end (History *self,
             HistoryKey *key,
             HistoryOperation *operation,
             char *result)
{
  operation->result = result;
  operation->end = ++self->clock;
  key->n_open--;
}

void
history_end_unclear (HistoryKey *key,
                     HistoryOperation *operation)
{
  key->n_open--;
  key->n_unclear += operation->effect != EFFECT_READ && operation->effect != EFFECT_LIST;
}

void
history_end_never (HistoryKey *key,
                   HistoryOperation *operation)
{
  key->n_open--;
  g_ptr_array_remove (key->operations, operation);
}

/* Whether somebody had begun to write @value. */
static gboolean
is_known (const HistoryKey *key,
          const char *value,
          guint64 when)
{
  for (guint i = 0; i < key->operations->len; i++)
    {
      const HistoryOperation *operation = key->operations->pdata[i];

      if (operation->begin < when && g_strcmp0 (operation->argument, value) == 0)
        return TRUE;
    }

  return FALSE;
}

static gboolean
are_known (const HistoryKey *key,
           const char *items,
           guint64 when)
{
  g_auto (GStrv) values = g_strsplit (items, "\n", -1);

  for (guint i = 0; values[i] != NULL && *values[i] != '\0'; i++)
    if (!is_known (key, values[i], when))
      return FALSE;

  return TRUE;
}

Verdict
history_check (const HistoryKey *key,
               gboolean may_lose)
{
  if (!may_lose)
    return linearizability_check (key->operations);

  for (guint i = 0; i < key->operations->len; i++)
    {
      const HistoryOperation *operation = key->operations->pdata[i];

      if (operation->result != NULL && key->type != KEY_TYPE_NUMBER && operation->effect != EFFECT_APPEND &&
          !are_known (key, operation->result, operation->end))
        return VERDICT_REFUSED;
    }

  return VERDICT_LINEARIZABLE;
}

void
history_drop (History *self,
              HistoryKey *key)
{
  self->n_keys--;
  key_free (key);
}

guint
history_get_n_keys (History *self)
{
  return self->n_keys;
}

void
history_free (History *self)
{
  history_retire_all (self);
  g_queue_clear_full (&self->retired, (GDestroyNotify) key_free);
  g_free (self->prefix);
  g_free (self);
}
