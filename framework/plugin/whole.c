/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading an ELF file's head; see whole.h. Nothing in it is trusted. */
#include "plugin/whole.h"

#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define SEGMENTS_MOST 64
#define NATIVE_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)

static bool read_at(int fd, void *into, size_t bytes, uint64_t offset)
{
    return offset <= INT64_MAX && pread(fd, into, bytes, (off_t)offset) == (ssize_t)bytes;
}

static uint64_t end_of(uint64_t offset, uint64_t bytes)
{
    return bytes > UINT64_MAX - offset ? UINT64_MAX : offset + bytes;
}

uint64_t whole_wanted_bytes(int fd)
{
    ElfW(Ehdr) head;
    ElfW(Phdr) segment;
    if (!read_at(fd, &head, sizeof head, 0) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return 0;
    if (head.e_ident[EI_CLASS] != NATIVE_CLASS || head.e_phentsize != sizeof segment) return 0;
    uint64_t wanted = end_of(head.e_phoff, (uint64_t)head.e_phnum * sizeof segment);
    for (unsigned i = 0; i < head.e_phnum && i < SEGMENTS_MOST; i++) {
        if (!read_at(fd, &segment, sizeof segment, head.e_phoff + i * sizeof segment)) break;
        const uint64_t end = end_of(segment.p_offset, segment.p_filesz);
        if (segment.p_type == PT_LOAD && end > wanted) wanted = end;
    }
    return wanted;
}
