/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-page.h"

#include "tornadis-glib/values/tornadis-reply-pack-private.h"

/* As many as the nodes of a small cluster, each of which is asked at the same time as the others. */
#define MAX_SPARE 4
/* Of pages that are larger than most only one is: what a program has set for one large reply is not kept four times over. */
#define MAX_SPARE_BYTES (MAX_SPARE * 64 * 1024)

/* All are of one size. */
typedef struct
{
  guint8 *pages[MAX_SPARE]; /* (owned) */
  guint n_pages;
  gsize size;
} SparePages;

static void
spare_pages_free (gpointer data)
{
  SparePages *self = data;

  while (self->n_pages > 0)
    g_free (self->pages[--self->n_pages]);
  g_free (self);
}

static GPrivate spare_pages = G_PRIVATE_INIT (spare_pages_free);

guint8 *
tornadis_page_new (gsize size)
{
  SparePages *spare = g_private_get (&spare_pages);

  if (spare != NULL && spare->n_pages > 0 && spare->size == size)
    return spare->pages[--spare->n_pages];

  return g_malloc (size + TORNADIS_REPLY_PACK_STEP);
}

void
tornadis_page_spare (guint8 *page,
                     gsize size)
{
  SparePages *spare = g_private_get (&spare_pages);

  if (spare == NULL)
    {
      spare = g_new0 (SparePages, 1);
      g_private_set (&spare_pages, spare);
    }

  if (spare->n_pages == 0)
    spare->size = size;
  if (spare->n_pages == 0 || (spare->size == size && spare->n_pages < MAX_SPARE && (spare->n_pages + 1) * size <= MAX_SPARE_BYTES))
    spare->pages[spare->n_pages++] = page;
  else
    g_free (page);
}
