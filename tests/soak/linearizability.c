/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/linearizability.h"

#include <stdlib.h>
#include <string.h>

/* The search of Wing and Gong: of the operations that are left, each that began before the first of them ended may have been
 * the next one. Lowe's addition: what was tried in vain, a set of operations that have happened and the state that they have
 * led to, is not tried again. States are texts, a list with a line for each item; NULL is a key that is not there. */

/* More than any history of a few dozen operations needs, unless most of them are unclear. */
#define MAX_TRIES 500000

typedef struct
{
  const HistoryOperation **operations; /* (owned) in the order of their begin */
  guint n_operations;
  guint n_to_explain; /* of those that are clear and have not happened yet */
  guint8 *happened;   /* (owned) of each operation */
  GHashTable *tried;  /* (owned) (element-type utf8) */
  guint n_tries;
} Search;

static const char *
describe_effect (Effect effect)
{
  switch (effect)
    {
    case EFFECT_READ:
      return "read";
    case EFFECT_WRITE:
      return "write";
    case EFFECT_SWAP:
      return "swap";
    case EFFECT_COMPARE_AND_SET:
      return "compare-and-set";
    case EFFECT_ADD:
      return "add";
    case EFFECT_APPEND:
      return "append";
    case EFFECT_TAKE:
      return "take";
    case EFFECT_LIST:
      return "list";
    default:
      g_assert_not_reached ();
    }
}

void
history_operation_free (HistoryOperation *operation)
{
  g_free (operation->argument);
  g_free (operation->expected);
  g_free (operation->result);
  g_free (operation);
}

char *
linearizability_describe (const GPtrArray *operations)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < operations->len; i++)
    {
      const HistoryOperation *operation = operations->pdata[i];
      g_autofree char *result = operation->result != NULL ? g_strescape (operation->result, NULL) : NULL;

      g_string_append_printf (text, "  %" G_GUINT64_FORMAT " - ", operation->begin);
      if (operation->end == UNCLEAR_END)
        g_string_append (text, "?");
      else
        g_string_append_printf (text, "%" G_GUINT64_FORMAT, operation->end);
      g_string_append_printf (text, ": %s %s", describe_effect (operation->effect), operation->argument != NULL ? operation->argument : "");
      if (operation->expected != NULL)
        g_string_append_printf (text, " instead of %s", operation->expected);
      if (operation->end != UNCLEAR_END)
        g_string_append_printf (text, " -> %s", result != NULL ? result : "none");
      g_string_append_c (text, '\n');
    }

  return g_string_free (text, FALSE);
}

static guint
count_items (const char *state)
{
  guint n = 0;

  for (const char *at = state; at != NULL && *at != '\0'; at = strchr (at, '\n') + 1)
    n++;

  return n;
}

/* Whether the operation can have happened in @state; then @next (out) (transfer full) (nullable) is what comes after it. */
static gboolean
apply (const HistoryOperation *operation,
       const char *state,
       char **next)
{
  gboolean known = operation->end != UNCLEAR_END;
  g_autofree char *result = NULL;
  const char *end;

  *next = NULL;
  switch (operation->effect)
    {
    case EFFECT_READ:
    case EFFECT_LIST:
      if (known && g_strcmp0 (operation->result, state) != 0)
        return FALSE;
      *next = g_strdup (state);
      return TRUE;

    case EFFECT_WRITE:
      *next = g_strdup (operation->argument);
      return TRUE;

    case EFFECT_SWAP:
      if (known && g_strcmp0 (operation->result, state) != 0)
        return FALSE;
      *next = g_strdup (operation->argument);
      return TRUE;

    case EFFECT_COMPARE_AND_SET:
      if (g_strcmp0 (operation->expected, state) != 0)
        return FALSE;
      *next = g_strdup (operation->argument);
      return TRUE;

    case EFFECT_ADD:
      result = g_strdup_printf ("%" G_GINT64_FORMAT, (state != NULL ? g_ascii_strtoll (state, NULL, 10) : 0) +
                                                       g_ascii_strtoll (operation->argument, NULL, 10));
      if (known && g_strcmp0 (operation->result, result) != 0)
        return FALSE;
      *next = g_steal_pointer (&result);
      return TRUE;

    case EFFECT_APPEND:
      result = g_strdup_printf ("%u", count_items (state) + 1);
      if (known && g_strcmp0 (operation->result, result) != 0)
        return FALSE;
      *next = g_strconcat (state != NULL ? state : "", operation->argument, "\n", NULL);
      return TRUE;

    case EFFECT_TAKE:
      if (state == NULL)
        return !known || operation->result == NULL;
      end = strchr (state, '\n');
      result = g_strndup (state, (gsize) (end - state));
      if (known && g_strcmp0 (operation->result, result) != 0)
        return FALSE;
      *next = end[1] != '\0' ? g_strdup (end + 1) : NULL;
      return TRUE;

    default:
      g_assert_not_reached ();
    }
}

/* Of those that are unclear and do the same, the one that began first can stand for each. */
static gboolean
has_twin (const Search *self,
          guint i)
{
  const HistoryOperation *operation = self->operations[i];

  for (guint k = 0; k < i; k++)
    {
      const HistoryOperation *other = self->operations[k];

      if (!self->happened[k] && other->end == UNCLEAR_END && other->effect == operation->effect &&
          g_strcmp0 (other->argument, operation->argument) == 0 && g_strcmp0 (other->expected, operation->expected) == 0)
        return TRUE;
    }

  return FALSE;
}

static char *
search_make_key (const Search *self,
                 const char *state)
{
  GString *key = g_string_sized_new (self->n_operations + 32);

  for (guint i = 0; i < self->n_operations; i++)
    g_string_append_c (key, self->happened[i] ? '1' : '0');
  if (state != NULL)
    g_string_append_printf (key, " %s", state);

  return g_string_free (key, FALSE);
}

static gboolean
search_from (Search *self,
             const char *state)
{
  guint64 limit = UNCLEAR_END;

  if (self->n_to_explain == 0)
    return TRUE;
  if (self->n_tries == MAX_TRIES || !g_hash_table_add (self->tried, search_make_key (self, state)))
    return FALSE;

  self->n_tries++;
  for (guint i = 0; i < self->n_operations; i++)
    if (!self->happened[i])
      limit = MIN (limit, self->operations[i]->end);

  /* Mostly what is unclear has not happened. */
  for (guint unclear = 0; unclear < 2; unclear++)
    for (guint i = 0; i < self->n_operations && self->operations[i]->begin < limit; i++)
      {
        const HistoryOperation *operation = self->operations[i];
        g_autofree char *next = NULL;

        if (self->happened[i] || (operation->end == UNCLEAR_END) != unclear || (unclear && has_twin (self, i)) ||
            !apply (operation, state, &next))
          continue;

        self->happened[i] = TRUE;
        self->n_to_explain -= !unclear;
        if (search_from (self, next))
          return TRUE;
        self->happened[i] = FALSE;
        self->n_to_explain += !unclear;
      }

  return FALSE;
}

static gboolean
has_been_seen (const GPtrArray *operations,
               const char *value)
{
  for (guint i = 0; i < operations->len; i++)
    {
      const HistoryOperation *operation = operations->pdata[i];

      if (g_strcmp0 (operation->result, value) == 0 || g_strcmp0 (operation->expected, value) == 0)
        return TRUE;
    }

  return FALSE;
}

/* What is unclear and changes nothing that anybody saw: without it the history is as good, and the search shorter. */
static gboolean
can_be_left_out (const GPtrArray *operations,
                 const HistoryOperation *operation)
{
  if (operation->end != UNCLEAR_END)
    return FALSE;

  return operation->effect == EFFECT_READ || operation->effect == EFFECT_LIST ||
         (operation->effect == EFFECT_WRITE && !has_been_seen (operations, operation->argument));
}

static int
compare_begins (gconstpointer a,
                gconstpointer b)
{
  const HistoryOperation *first = *(const HistoryOperation *const *) a, *second = *(const HistoryOperation *const *) b;

  return first->begin < second->begin ? -1 : first->begin > second->begin;
}

Verdict
linearizability_check (const GPtrArray *operations)
{
  Search self = { g_new (const HistoryOperation *, operations->len), 0, 0, g_new0 (guint8, operations->len),
                  g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL), 0 };
  gboolean found;

  for (guint i = 0; i < operations->len; i++)
    {
      const HistoryOperation *operation = operations->pdata[i];

      if (can_be_left_out (operations, operation))
        continue;
      self.operations[self.n_operations++] = operation;
      self.n_to_explain += operation->end != UNCLEAR_END;
    }
  qsort (self.operations, self.n_operations, sizeof *self.operations, compare_begins);

  found = search_from (&self, NULL);

  g_hash_table_unref (self.tried);
  g_free (self.happened);
  g_free (self.operations);

  return found ? VERDICT_LINEARIZABLE : self.n_tries == MAX_TRIES ? VERDICT_UNDECIDED
                                                                  : VERDICT_REFUSED;
}
