import { type Logger, systemCode } from '@ioto/runtime';
import type { LocalImage } from '../../service-apis.ts';
import { noRoom } from './download.ts';
import { updateError } from './errors.ts';
import type { JournalFile } from './journal.ts';
import { copyImage } from './local-image.ts';
import { checkOffer, type Trust } from './offer.ts';
import { at, isBusy } from './plan.ts';

export interface TakingOptions {
  directory: string;
  trust: Trust;
  /** Of the software that runs. */
  version: string;
  journal: JournalFile;
  logger: Logger;
}

/**
 * Puts an image that was brought to the device where the next step applies it; whatever was being fetched is dropped. Resolves
 * when it is on the disk.
 *
 * @throws as `Updates.install` does; nothing has changed then.
 */
export async function takeLocal(
  image: LocalImage,
  { directory, trust, version, journal, logger }: TakingOptions,
): Promise<void> {
  const copy = await copyImage(image, directory);
  const { offer } = copy;
  try {
    await journal.intend((before) => {
      checkOffer(offer, trust, version, before.highest);
      const { current } = before;
      if (current && isBusy(current.stage)) {
        throw updateError('UPDATE_BUSY', `version ${current.offer.version} is being applied`);
      }
      copy.place();
      return at(before, { offer, stage: 'ready', tries: 0 });
    });
  } catch (error) {
    await copy.remove();
    throw systemCode(error) === 'ENOSPC' ? noRoom(error) : error;
  }
  logger.info({ version: offer.version }, 'an image was brought to this device');
}
