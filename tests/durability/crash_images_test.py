#!/usr/bin/env python3
"""Power cuts of the real binary: whatever its recorded disk calls may leave on the disk, what it acknowledged is there.

MOLDAU_IMAGES: how many images (30). MOLDAU_SEED: the first image's seed. MOLDAU_RECORDING: a folder kept by a failure, from
which its images are made again. Every fourth image is made from the start on another image: a power cut within recovery.
"""

import os
import pathlib
import random
import shutil
import tempfile
import unittest

import crash_images

IMAGES = int(os.environ.get("MOLDAU_IMAGES", "30"))
SEED = int(os.environ.get("MOLDAU_SEED", random.randrange(1 << 30)))
KEPT = os.environ.get("MOLDAU_RECORDING")
IMAGES_A_RECORDING = 50
WITHIN_RECOVERY = 4  # every so many


def crash_within_recovery(recording, at_ns, folder, seed):
    """Starts a broker on the image folder/data, recorded, and puts in its place an image of that."""
    base = folder / "base"
    shutil.copytree(folder / "data", base)
    trace = folder / "trace"
    crash_images.look(recording, at_ns, folder, executable=crash_images.RECORDED, environment={"MOLDAU_TRACE": str(trace)})
    shutil.rmtree(folder / "data")
    line, _ = crash_images.make_image(trace, str(folder / "data"), folder / "data", seed, "--base", base)
    return line


class CrashImages(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="moldau-images-")
        self.keep = False

    def tearDown(self):
        if not self.keep:
            shutil.rmtree(self.scratch)

    def recording(self, seed, name="recording"):
        if KEPT:
            return crash_images.Recording(KEPT)
        folder = pathlib.Path(self.scratch) / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return crash_images.record(folder, seed)

    def one_image(self, recording, seed, *options):
        """Returns what is wrong with it, and what it is."""
        folder = pathlib.Path(self.scratch) / f"image-{seed}"
        folder.mkdir()
        line, at_ns = crash_images.make_image(recording.trace, recording.directory, folder / "data", seed, *options)
        if seed % WITHIN_RECOVERY == 0 and not options:
            line += f"; then {crash_within_recovery(recording, at_ns, folder, seed)}"
        found = crash_images.look(recording, at_ns, folder)
        if found and not options:
            self.keep = True
        else:
            shutil.rmtree(folder)
        return found, line

    def test_what_was_acknowledged_survives_a_power_cut(self):
        print(f"seed {SEED}, {IMAGES} images")
        recording = None
        for number in range(IMAGES):
            seed = SEED + number
            if number % IMAGES_A_RECORDING == 0:
                recording = self.recording(seed)
                self.assertGreater(len(recording.acked), 1000)
            found, line = self.one_image(recording, seed)
            self.assertFalse(found, f"seed {seed}, {line}; MOLDAU_RECORDING={recording.folder} MOLDAU_SEED={seed} "
                                    f"MOLDAU_IMAGES=1 makes it again:\n" + "\n".join(found))

    def test_a_disk_that_lies_about_its_syncs_is_found_out(self):
        recording = self.recording(SEED, "lying")
        lost = sum(bool(self.one_image(recording, SEED + number, "--without-syncs")[0]) for number in range(5))
        self.assertGreater(lost, 0, "no image shows that acknowledged records were not synced")


if __name__ == "__main__":
    unittest.main()
